// Messages of RxDB's replication as src/whatnext/rxdb/README.md describes them.

export const STREAM = 'stream'
export const RESYNC = 'RESYNC'

/** Why a request came to nothing, or some rows of a push, by their document's id. */
export interface Fault {
  code: string
  message: string
  rows?: Record<string, string>
}

export interface Answer {
  id: string
  collection: string
  result?: unknown
  error?: Fault
}

/** An answer with its number in the order in which messages came in, over all connections of a link. */
export interface Received extends Answer { order: number }

/** A checkpoint; only the node knows what it means. */
export type Checkpoint = Record<string, unknown>

export interface Pulled<Document> {
  documents: Document[]
  checkpoint: Checkpoint
}

/** Reads a message of a node; throws a `SyntaxError` for what is none. */
export function parseAnswer (text: string): Answer {
  const answer: unknown = JSON.parse(text)
  if (!isObject(answer) || typeof answer['id'] !== 'string') throw new SyntaxError('a message without an id')
  if (answer['error'] !== undefined && !isFault(answer['error'])) throw new SyntaxError('an error without a sentence')
  return answer as unknown as Answer
}

/** Whether a result is what a pull is answered with, or an event of the stream. */
export function isPulled (result: unknown): result is Pulled<never> {
  return isObject(result) && Array.isArray(result['documents']) && isObject(result['checkpoint'])
}

function isFault (value: unknown): boolean {
  return isObject(value) && typeof value['code'] === 'string' && typeof value['message'] === 'string' &&
    (value['rows'] === undefined || isObject(value['rows']))
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
