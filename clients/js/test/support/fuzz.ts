// One run of the fuzz; `node fuzz.ts` with the settings below as JSON. Each client edits through a path that breaks by
// chance. Prints {"done": …} when the edits are made, then answers each line with what every client holds.

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { entryId, positionBetween, voteId, webSocket } from '../../src/index.ts'
import type { Open } from '../../src/channel.ts'
import type { Entry } from '../../src/collections.ts'
import { clientOn, nodeOf, type Client } from './clients.ts'
import { flaky, type Losses } from './flaky.ts'
import { joinBy, peerOf, streamTo } from './libp2p.ts'
import { oneOf, randomOf } from './random.ts'

interface Settings {
  /** Where a node's profile is, and its PeerID; or the address of a friend's node and the invite to come in by. */
  clients: Array<{ profile: string, peer: string } | { address: string, invite: string }>
  playlist: string
  seed: number
  edits: number
  /** Chance of each message to be the last of its connection. */
  loss: number
  pauseMs: number
}

const settings = JSON.parse(process.argv[2] ?? '') as Settings
const unhandled: string[] = []
process.on('unhandledRejection', (error) => { unhandled.push(String(error)) })
const say = (line: unknown): void => { process.stdout.write(JSON.stringify(line) + '\n') }

const losses: Losses = { requests: 0, answers: 0 }
let isFlawed = true
const random = randomOf(settings.seed)
const loses = (): boolean => isFlawed && random() < settings.loss

const clients = await Promise.all(settings.clients.map(async (each) => await clientOn(
  flaky(await openOf(each), { sending: loses, receiving: loses }, losses),
  'profile' in each ? ['playlists', 'entries', 'votes'] : ['playlists', 'entries'],
  { minDelayMs: 20, maxDelayMs: 200, timeoutMs: 10_000 }
)))
await Promise.all(clients.flatMap((client) => client.states.map(async (state) => { await state.awaitInitialReplication() })))

const added = new Set<string>()
const removed = new Set<string>()
/** Last word of the one client that writes the note of an entry. */
const notes = new Map<string, string>()
const titles = new Map<string, Set<string>>()
let made = 0
let number = 0

async function openOf (client: Settings['clients'][number]): Promise<Open> {
  if ('profile' in client) return webSocket(nodeOf(client.profile))
  const peer = await peerOf()
  await joinBy(peer, client.address, client.invite)
  return streamTo(peer, client.address)
}

const writerOf = (id: string): number => id.charCodeAt(id.length - 1) % clients.length

async function edit (client: Client, who: number): Promise<void> {
  const { entries, votes } = client.database.collections
  const standing = await entries.find({ selector: { playlistId: settings.playlist }, sort: [{ position: 'asc' }] }).exec()
  const kind = random()
  const name = `c${who} ${number++}`
  if (kind < 0.3 || standing.length < 3) {
    const at = Math.floor(random() * (standing.length + 1))
    const id = entryId(settings.playlist)
    const made: Entry = {
      id, version: '', playlistId: settings.playlist, title: name, artists: [], album: '', durationMs: null, isrc: null,
      mbid: null, links: [], note: '', addedBy: '', addedAt: 0,
      position: positionBetween(standing[at - 1]?.position ?? null, standing[at]?.position ?? null)
    }
    await entries.insert(made)
    added.add(id)
    titles.set(id, new Set([name]))
    return
  }
  const entry = oneOf(random, standing)
  if (kind < 0.45) {
    await entry.incrementalRemove()
    removed.add(entry.id)
  } else if (kind < 0.6) {
    const others = standing.filter((each) => each.id !== entry.id)
    const at = Math.floor(random() * (others.length + 1))
    await entry.incrementalPatch({
      position: positionBetween(others[at - 1]?.position ?? null, others[at]?.position ?? null)
    })
  } else if (kind < 0.7) {
    titles.get(entry.id)?.add(name)
    await entry.incrementalPatch({ title: name })
  } else if (kind < 0.9) {
    const mine = standing.filter((each) => writerOf(each.id) === who)
    if (mine.length === 0) return
    const one = oneOf(random, mine)
    await one.incrementalPatch({ note: name })
    notes.set(one.id, name)
  } else {
    const voter = settings.clients[who]
    if (voter === undefined || !('peer' in voter)) return // a vote needs its voter's signature
    const { peer } = voter
    const id = voteId(entry.id, peer)
    const vote = await votes.findOne(id).exec()
    if (vote === null) {
      await votes.upsert({
        id, version: '', playlistId: settings.playlist, entryId: entry.id, peerId: peer, value: random() < 0.5 ? 1 : -1
      })
    } else if (random() < 0.5) await vote.incrementalRemove()
    else await vote.incrementalPatch({ value: -vote.value })
  }
}

async function work (client: Client, who: number): Promise<void> {
  while (made < settings.edits) {
    made++
    try {
      await edit(client, who)
    } catch (error) {
      // RxDB's word for: what was found a moment ago was deleted meanwhile, by another client.
      if (!['CONFLICT', 'COL19'].includes((error as { code?: string }).code ?? '')) throw error
    }
    if (settings.pauseMs > 0) await sleep(random() * settings.pauseMs)
  }
}

const began = performance.now()
await Promise.all(clients.map(work))
isFlawed = false
for (const client of clients) client.link.connectNow()
say({ done: made, seconds: (performance.now() - began) / 1000 })

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
while ((await lines.next()).done !== true) {
  await Promise.race([
    Promise.all(clients.flatMap((client) => client.states.map(async (state) => { await state.awaitInSync() }))),
    sleep(20_000)
  ])
  say({
    clients: await Promise.all(clients.map(async (client) => ({
      playlists: await shown(client, 'playlists'),
      entries: await shown(client, 'entries'),
      ...(client.states.length > 2 ? { votes: await shown(client, 'votes') } : {})
    }))),
    added: [...added],
    removed: [...removed],
    notes: Object.fromEntries(notes),
    titles: Object.fromEntries([...titles].map(([id, each]) => [id, [...each]])),
    losses,
    unhandled,
    errors: [...new Set(clients.flatMap((client) => client.errors))].slice(0, 20)
  })
}
process.exit(0)

async function shown (client: Client, name: 'playlists' | 'entries' | 'votes'): Promise<unknown[]> {
  const found = await client.database.collections[name].find().exec()
  return found.map((document) => document.toJSON())
}
