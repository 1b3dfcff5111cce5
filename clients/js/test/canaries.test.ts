// Faults of RxDB 17.6 that this client works around. A test that fails here says that a workaround may go:
// src/downstream.ts, or the sentence on the stock client in docs/notes.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRxDatabase, type RxCollection } from 'rxdb'
import { replicateRxCollection } from 'rxdb/plugins/replication'
import { replicateWithWebsocketServer } from 'rxdb/plugins/replication-websocket'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { Subject } from 'rxjs'

interface Note { id: string, version: string }

let count = 0

async function notes (): Promise<RxCollection<Note>> {
  const database = await createRxDatabase({
    name: `canary${count++}`, storage: getRxStorageMemory(), multiInstance: false
  })
  const { notes: made } = await database.addCollections({
    notes: {
      schema: {
        version: 0,
        primaryKey: 'id',
        type: 'object',
        properties: { id: { type: 'string', maxLength: 10 }, version: { type: 'string' } },
        required: ['id', 'version']
      }
    }
  })
  return made as unknown as RxCollection<Note>
}

test('a RESYNC that queues behind an event is dropped', async () => {
  const collection = await notes()
  const stream$ = new Subject<any>()
  const answered = Promise.withResolvers<never[]>()
  let pulls = 0
  let isPushing = false
  const state = replicateRxCollection<Note, object>({
    collection,
    replicationIdentifier: 'canary',
    live: true,
    pull: { stream$, handler: async () => { pulls++; return { documents: [], checkpoint: {} } } },
    push: { handler: async () => { isPushing = true; return await answered.promise } }
  })
  await state.awaitInSync()
  const before = pulls
  await collection.insert({ id: 'own', version: '' })
  while (!isPushing) await sleep(1)
  stream$.next({ documents: [{ id: 'other', version: '1', _deleted: false }], checkpoint: { seq: 1 } })
  await sleep(20)
  stream$.next('RESYNC')
  await sleep(20)
  answered.resolve([])
  while (await collection.findOne('other').exec() === null) await sleep(5)
  await sleep(200)
  assert.equal(pulls, before)
  stream$.next('RESYNC')
  await sleep(200)
  assert.equal(pulls, before + 1, 'one by itself is heard')
  await collection.database.close()
})

test('the stock client never pulls again after a connection that ended during a pull', async () => {
  const { WebSocketServer } = await import('ws' as string)
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  let connections = 0
  let pulls = 0
  sockets.on('connection', (socket: any) => {
    connections++
    socket.on('message', (data: Buffer) => {
      if (!data.includes('masterChangesSince')) return
      pulls++
      socket.terminate()
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const collection = await notes()
  await replicateWithWebsocketServer({
    collection: collection as never, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    replicationIdentifier: 'canary', live: true, batchSize: 10
  })
  while (connections < 2) await sleep(20)
  await sleep(500)
  assert.equal(pulls, 1)
  await collection.database.close()
  sockets.close()
  server.close()
  server.closeAllConnections()
})
