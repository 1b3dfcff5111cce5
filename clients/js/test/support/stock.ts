// RxDB's own WebSocket client: `node stock.ts '{"profile": …, "entry": …, "playlist": …}'`. It can send no token, so a
// proxy adds it. Pulls, adds an entry, waits for one from elsewhere; says each as a line of JSON.

import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createRxDatabase, type RxCollection } from 'rxdb'
import { replicateWithWebsocketServer } from 'rxdb/plugins/replication-websocket'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { firstValueFrom, filter } from 'rxjs'
import { collectionsOf, type Entry } from '../../src/collections.ts'
import { nodeOf } from './clients.ts'

const { profile, entry } = JSON.parse(process.argv[2] ?? '') as { profile: string, entry: Entry }
const { url, token } = await nodeOf(profile)()
const { host, port } = new URL(url)
const proxy = createServer((from) => {
  const to = connect(Number(port), '127.0.0.1')
  from.once('data', (head) => {
    const request = head.toString('latin1').replace(/^Host: .*$/im, `Host: ${host}\r\nAuthorization: Bearer ${token}`)
    to.write(request, 'latin1')
    from.pipe(to)
  })
  to.pipe(from)
  for (const socket of [from, to]) socket.on('error', () => { from.destroy(); to.destroy() })
})
await new Promise<void>((resolve) => { proxy.listen(0, '127.0.0.1', resolve) })

const database = await createRxDatabase({ name: 'stock', storage: getRxStorageMemory(), multiInstance: false })
const { schema } = collectionsOf(['entries'])['entries'] ?? {}
if (schema === undefined) throw new Error('no schema of entries')
await database.addCollections({ entries: { schema } }) // as anybody would: without our conflict handler
const entries = database.collections['entries'] as unknown as RxCollection<Entry>
const state = await replicateWithWebsocketServer({
  collection: entries as never, url: `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}/rxdb`,
  replicationIdentifier: 'stock', live: true, batchSize: 100
})
const say = (line: unknown): void => { process.stdout.write(JSON.stringify(line) + '\n') }
await state.awaitInitialReplication()
say((await entries.find().exec()).map((document) => document.title))
await entries.insert(entry)
await state.awaitInSync()
await firstValueFrom(entries.findOne(entry.id).$.pipe(filter((document) => document != null && document.version !== '')))
say('added')
await firstValueFrom(entries.find().$.pipe(filter((found) => found.some(({ title }) => title === 'From elsewhere'))))
say((await entries.find().exec()).map((document) => document.title))
process.exit(0)
