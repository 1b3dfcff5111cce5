// What goes up from one collection.
//
// RxDB 17.6 pushes a document twice when it was changed while a RESYNC looked for changes: what it found, and the
// change itself, which may lie before the node's answer by then. Such a row undoes what the node did meanwhile, a
// removal say, so it is answered here with what the collection holds.

import { deepEqual, type RxCollection, type RxReplicationWriteToMasterRow, type WithDeleted } from 'rxdb'
import { LinkError } from './link.ts'
import type { Received } from './messages.ts'
import type { Versioned } from './replicate.ts'

type Row<Document> = RxReplicationWriteToMasterRow<Document>
type Send = (params: unknown[]) => Promise<Received>

/** Push rows, for RxDB's `push.handler`: the states of those that are conflicts. */
export async function push<Document extends Versioned> (
  collection: RxCollection<Document>, rows: Array<Row<Document>>, send: Send
): Promise<Array<WithDeleted<Document>>> {
  const held = await statesOf(collection, rows.map((row) => row.newDocumentState.id))
  const fresh: Array<Row<Document>> = []
  const stale: Array<WithDeleted<Document>> = []
  for (const row of rows) {
    const state = held.get(row.newDocumentState.id)
    if (state !== undefined && row.assumedMasterState !== undefined && deepEqual(state, row.assumedMasterState)) {
      stale.push(state)
    } else {
      fresh.push(row)
    }
  }
  if (fresh.length === 0) return stale
  const { result } = await send([fresh])
  if (!Array.isArray(result)) throw new LinkError('bad_answer', 'the node answered a push with something else')
  return [...stale, ...result]
}

async function statesOf<Document extends Versioned> (
  collection: RxCollection<Document>, ids: string[]
): Promise<Map<string, WithDeleted<Document>>> {
  const found = await collection.storageInstance.findDocumentsById(ids, true)
  return new Map(found.map(({ _meta, _rev, _attachments, ...state }) =>
    [(state as unknown as Document).id, state as unknown as WithDeleted<Document>]))
}
