// What runs in the browser's page for the tests, bundled by browser.ts: a client of the node that the page comes from.

import type { Entry } from '../../src/collections.ts'
import { entryId, webSocket } from '../../src/index.ts'
import { clientOn } from './clients.ts'
import { flaky } from './flaky.ts'

/** How many messages are still to be lost, the connection with each. */
const lost = { requests: 0, pulls: 0, pushes: 0 }
const { database, link, states, errors } = await clientOn(
  flaky(webSocket({ url: location.origin }), {
    sending: () => lost.requests > 0 && lost.requests-- > 0,
    receiving: (text) => text.includes('"documents"')
      ? lost.pulls > 0 && !text.includes('"id":"stream"') && lost.pulls-- > 0
      : lost.pushes > 0 && lost.pushes-- > 0
  }, { requests: 0, answers: 0 }),
  ['playlists', 'entries', 'peers'],
  { minDelayMs: 20, maxDelayMs: 200, timeoutMs: 5000 }
)

const page = {
  pulled: async () => { await Promise.all(states.map(async (state) => await state.awaitInitialReplication())) },
  titles: async () => (await database.collections.entries.find().exec()).map(({ title }) => title).sort(),
  versions: async () => (await database.collections.entries.find().exec()).map(({ version }) => version),
  add: async (playlistId: string, title: string) => {
    const entry: Entry = {
      id: entryId(playlistId), version: '', playlistId, position: 'zz', title, artists: [], album: '', durationMs: null,
      isrc: null, mbid: null, links: [], note: '', addedBy: '', addedAt: 0
    }
    await database.collections.entries.insert(entry)
  },
  lose: (what: Partial<typeof lost>) => { Object.assign(lost, what) },
  resync: () => { for (const state of states) state.reSync() },
  told: () => ({ state: link.state, errors })
}
export type Page = typeof page
Object.assign(globalThis, { whatnext: page })
