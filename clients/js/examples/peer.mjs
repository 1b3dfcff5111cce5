// A peer that is no node: js-libp2p and RxDB in one process. Joins a playlist by an invite link, lists it, adds a track,
// moves it to the front, and prints what changes until Ctrl-C.
//
//   npm run build && node examples/peer.mjs 'whtnxt://join/…' [--seconds 5]

import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { collectionsOf, entryId, Link, positionAfter, positionBetween, replicate } from '@whatnext/rxdb-link'
import { admissionOf, join, libp2pStream, parseInvite } from '@whatnext/rxdb-link/libp2p'
import { createLibp2p } from 'libp2p'
import { createRxDatabase } from 'rxdb'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'

const { positionals: [text], values } = parseArgs({ allowPositionals: true, options: { seconds: { type: 'string' } } })
const invite = parseInvite(text ?? '')
const [address] = invite.addresses.filter((each) => each.includes('/tcp/') && !each.includes('/ws'))
if (address === undefined) throw new Error('the link names no TCP address: ask for one of a node that listens on TCP')

const key = await generateKeyPair('Ed25519') // a real peer keeps its key, and the admission below with it
const libp2p = await createLibp2p({
  privateKey: key,
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify() }
})
const whole = address.includes('/p2p/') ? address : `${address}/p2p/${invite.peers[0]}`
const link = new Link(libp2pStream(libp2p, multiaddr(whole)))
link.problems$.subscribe(({ message }) => { console.log(`problem: ${message}`) })
link.refusals$.subscribe(({ id, reason }) => { console.log(`refused: ${id}: ${reason}`) })
await join(link, await admissionOf(invite, key))
console.log(`joined as ${libp2p.peerId}`)

const database = await createRxDatabase({ name: 'peer', storage: getRxStorageMemory(), multiInstance: false })
await database.addCollections(collectionsOf(['playlists', 'entries', 'members']))
const states = await Promise.all(['playlists', 'entries', 'members'].map(async (name) => await replicate({
  link, collection: database[name], replicationIdentifier: `friend-${name}`, readOnly: name === 'members'
})))
await Promise.all(states.map(async (state) => await state.awaitInitialReplication()))

const playlist = await database.playlists.findOne(invite.playlist).exec(true)
const query = database.entries.find({ selector: { playlistId: playlist.id }, sort: [{ position: 'asc' }, { id: 'asc' }] })
const show = (entries) => {
  console.log(`${playlist.name}:`)
  for (const [at, entry] of entries.entries()) console.log(`  ${at + 1}. ${entry.title} (${entry.artists.join(', ')})`)
}
show(await query.exec())

const last = (await query.exec()).at(-1)
const added = await database.entries.insert({
  id: entryId(playlist.id), version: '', playlistId: playlist.id, position: positionAfter(last?.position ?? null),
  title: 'From JavaScript', artists: ['RxDB'], album: '', durationMs: null, isrc: null, mbid: null, links: [], note: '',
  addedBy: '', addedAt: 0
})
const [first] = await query.exec()
if (first.id !== added.id) await added.incrementalPatch({ position: positionBetween(null, first.position) })

const watching = query.$.subscribe(show)
const end = async () => {
  watching.unsubscribe()
  await database.close()
  link.stop()
  await libp2p.stop()
}
process.once('SIGINT', end)
if (values.seconds !== undefined) setTimeout(end, Number(values.seconds) * 1000)
