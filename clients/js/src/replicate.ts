// RxDB collections over a link. RxDB does the replicating; this gives it the node's answers and events.

import type { RxCollection } from 'rxdb'
import { replicateRxCollection, type RxReplicationState } from 'rxdb/plugins/replication'
import { Downstream } from './downstream.ts'
import type { Link } from './link.ts'
import type { Checkpoint, Received } from './messages.ts'
import { push } from './upstream.ts'

const MAX_CLIENT = 100 // the node's, in src/whatnext/rxdb/limits.py

/** What every document of a node has. */
export interface Versioned { id: string, version: string }

export interface ReplicateOptions<Document extends Versioned> {
  link: Link
  collection: RxCollection<Document>
  /** What the state of this replication is kept under; another node needs another one. */
  replicationIdentifier: string
  /** Documents of one message, at most 2,000. */
  batchSize?: number
  /** Pause after a failure that is not the connection's. */
  retryTimeMs?: number
  /** Whether only one of several tabs replicates; matters only with `multiInstance`. */
  waitForLeadership?: boolean
  /** For a collection that the node lets nobody write, `peers` say. */
  readOnly?: boolean
}

/**
 * Replicate a collection with the node behind the link until the state is cancelled or its database closed; stopping
 * the link is the caller's.
 *
 * By the client's name the node knows a push that is repeated because its answer was lost. It comes from what RxDB
 * keeps with the storage, so it holds over connections and, where the storage does, over reloads of the page.
 */
export async function replicate<Document extends Versioned> (
  options: ReplicateOptions<Document>
): Promise<RxReplicationState<Document, Checkpoint>> {
  const { link, collection, replicationIdentifier, batchSize = 1000, retryTimeMs = 1000 } = options
  const client = `${await collection.database.storageToken}.${replicationIdentifier}`.replaceAll('|', '_')
  if (client.length > MAX_CLIENT) throw new Error('a replicationIdentifier of more than 80 characters')
  const ending = new AbortController()
  const call = async (method: string, params: unknown[]): Promise<Received> =>
    await link.call(collection.name, method, params, client, ending.signal)
  const downstream = new Downstream<Document>(call, async (ids) => await versionsOf(collection, ids), retryTimeMs)

  // Before RxDB begins: a collection that is replicated over this link already is refused here.
  const unsubscribe = link.subscribe(collection.name, (event, order) => { downstream.take(event, order) })
  const state = replicateRxCollection<Document, Checkpoint>({
    collection,
    replicationIdentifier,
    live: true,
    retryTime: retryTimeMs,
    waitForLeadership: options.waitForLeadership ?? true,
    pull: {
      batchSize,
      stream$: downstream.events$,
      handler: async (checkpoint, size) => await downstream.pull(checkpoint, size)
    },
    ...(options.readOnly === true
      ? {}
      : {
          push: {
            batchSize,
            handler: async (rows) => await push(collection, rows, async (fresh) => await downstream.push(
              fresh.map((row) => row.newDocumentState.id), async () => await call('masterWrite', [fresh])
            ))
          }
        })
  })
  const opened = link.opened$.subscribe(() => { downstream.startOver() })
  const active = state.active$.subscribe((isActive) => { downstream.settle(isActive) })
  state.onCancel.push(() => {
    ending.abort()
    unsubscribe()
    opened.unsubscribe()
    active.unsubscribe()
    downstream.stop()
  })
  return state
}

async function versionsOf<Document extends Versioned> (
  collection: RxCollection<Document>, ids: string[]
): Promise<Map<string, string>> {
  const found = await collection.storageInstance.findDocumentsById(ids, true)
  return new Map(found.map((document) => [document.id, document.version]))
}
