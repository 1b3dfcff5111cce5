// What comes down to one collection, so that RxDB misses nothing of it for good. RxDB 17.6 by itself would:
//
// - It drops a RESYNC that queues behind an event. So whenever a pull is owed, it is told again until it pulls.
// - An event of a new connection would carry its checkpoint past what was missed. So none goes on before that pull.
// - It ignores what comes down for a document that has local changes, and drops events older than its newest pull,
//   but in both cases takes the checkpoint. So whatever did not arrive once all is quiet is told again.
// - It keeps events back while it pushes and applies them then, so that a document is for a moment what it was before the
//   push. So those of pushed documents go no further: the node tells each of them anew after every push.

import { Subject, type Observable } from 'rxjs'
import type { RxReplicationPullStreamItem, WithDeleted } from 'rxdb'
import { LinkError } from './link.ts'
import { isPulled, RESYNC, type Checkpoint, type Pulled, type Received } from './messages.ts'
import type { Versioned } from './replicate.ts'

const QUIET_MS = 100
const MOST_DOUBLINGS = 7
const MAX_HELD = 1000

type Call = (method: string, params: unknown[]) => Promise<Received>
type VersionsOf = (ids: string[]) => Promise<Map<string, string>>
type Told<Document> = Pulled<WithDeleted<Document>>

type Held<Document> = [event: Told<Document>, order: number]

export class Downstream<Document extends Versioned> {
  readonly #call: Call
  readonly #versionsOf: VersionsOf
  readonly #retryTimeMs: number
  readonly #events = new Subject<RxReplicationPullStreamItem<Document, Checkpoint>>()
  /** Newest state told of each document that may not have arrived yet. */
  readonly #told = new Map<string, WithDeleted<Document>>()
  /** Events that came while a pull or push was under way, with their place in the order of messages. */
  #held: Array<Held<Document>> = []
  #checkpoint: Checkpoint = {}
  /** Only an answer after this place in the order pays the pull that is owed; null when none is. */
  #owedSince: number | null = 0
  #isPulling = false
  #pushes = 0
  #isActive = true
  #isStopped = false
  /** How often what did not arrive was told again since the node said something. */
  #retold = 0
  #reminder: ReturnType<typeof setTimeout> | undefined
  #quiet: ReturnType<typeof setTimeout> | undefined

  /** `call` asks the node; `versionsOf` looks up what of some documents is in the collection, deleted ones included. */
  constructor (call: Call, versionsOf: VersionsOf, retryTimeMs: number) {
    this.#call = call
    this.#versionsOf = versionsOf
    this.#retryTimeMs = retryTimeMs
  }

  /** For RxDB's `pull.stream$`. */
  get events$ (): Observable<RxReplicationPullStreamItem<Document, Checkpoint>> { return this.#events.asObservable() }

  /** For RxDB's `pull.handler`. */
  async pull (checkpoint: Checkpoint | undefined, size: number): Promise<Told<Document>> {
    this.#isPulling = true
    try {
      const { result, order } = await this.#call('masterChangesSince', [checkpoint ?? null, size])
      if (!isPulled(result)) throw new LinkError('bad_answer', 'the node answered a pull with something else')
      this.#note(result)
      if (result.documents.length < size) this.#pulled(order)
      return result
    } catch (error) {
      this.#isPulling = false // RxDB tries again by itself, and that brings what was held back
      this.#held = []
      this.#owedSince ??= 0
      throw error
    }
  }

  /** Push some documents; `send` asks the node. */
  async push (ids: string[], send: () => Promise<Received>): Promise<Received> {
    this.#pushes++
    try {
      const answer = await send()
      this.#held = withoutThose(this.#held, new Set(ids), answer.order)
      return answer
    } finally {
      this.#pushes--
      this.#release()
    }
  }

  /** A new connection: what came in between was missed. */
  startOver (): void {
    this.#owedSince = 0
    this.#held = []
    this.#askForPull()
  }

  /** An event of the node's stream, with its place in the order of messages. */
  take (event: unknown, order: number): void {
    if (event === RESYNC || !isPulled(event)) { // what cannot be read was missed
      this.#owedSince = order
      this.#askForPull()
    } else if (this.#isPulling || this.#pushes > 0) {
      this.#hold(event, order)
    } else if (this.#owedSince === null) {
      this.#tell(event)
    }
  }

  /** Whether RxDB is at work, told whenever that changes. */
  settle (isActive: boolean): void {
    this.#isActive = isActive
    this.#lookSoon()
  }

  /** Nothing is told any more. */
  stop (): void {
    this.#isStopped = true
    clearTimeout(this.#reminder)
    clearTimeout(this.#quiet)
    this.#told.clear()
    this.#held = []
  }

  // Messages can come in one after the other before an answer's promise is heard, hence the order.
  #pulled (order: number): void {
    this.#isPulling = false
    if (this.#owedSince === null || order > this.#owedSince) {
      this.#owedSince = null
      this.#held = this.#held.filter(([, at]) => at > order)
    }
    this.#release()
  }

  #release (): void {
    if (this.#isPulling || this.#pushes > 0) return
    const held = this.#held
    this.#held = []
    if (this.#owedSince !== null) return // the pull that is owed brings it
    for (const [event] of held) this.#tell(event)
  }

  #hold (event: Told<Document>, order: number): void {
    this.#held.push([event, order])
    if (this.#held.length <= MAX_HELD) return
    this.#held = []
    this.#owedSince = order
    this.#askForPull()
  }

  #askForPull (): void {
    clearTimeout(this.#reminder)
    if (this.#isStopped) return
    if (!this.#isPulling) this.#events.next(RESYNC)
    this.#reminder = setTimeout(() => { if (this.#owedSince !== null) this.#askForPull() }, this.#retryTimeMs)
  }

  #tell (event: Told<Document>): void {
    this.#note(event)
    this.#events.next(event)
  }

  #note ({ documents, checkpoint }: Told<Document>): void {
    for (const document of documents) this.#told.set(document.id, document)
    this.#checkpoint = checkpoint
    this.#retold = 0
    this.#lookSoon()
  }

  #lookSoon (): void {
    clearTimeout(this.#quiet)
    if (this.#isStopped || this.#isActive || this.#told.size === 0) return
    this.#quiet = setTimeout(() => {
      this.#look().catch(() => {}) // the storage was closed under it: so is the replication
    }, QUIET_MS * 2 ** Math.min(this.#retold, MOST_DOUBLINGS))
  }

  async #look (): Promise<void> {
    const told = new Map(this.#told)
    const versions = await this.#versionsOf([...told.keys()])
    for (const [id, document] of told) {
      if (versions.get(id) === document.version && this.#told.get(id) === document) this.#told.delete(id)
    }
    if (this.#isStopped || this.#isActive || this.#owedSince !== null || this.#isPulling) return
    if (this.#told.size === 0) return
    this.#retold++
    this.#events.next({ documents: [...this.#told.values()], checkpoint: this.#checkpoint })
    this.#lookSoon()
  }
}

/** Events without the documents that were pushed before the node had told them. */
function withoutThose<Document extends Versioned> (
  held: Array<Held<Document>>, pushed: Set<string>, order: number
): Array<Held<Document>> {
  return held.flatMap(([event, at]): Array<Held<Document>> => {
    if (at > order) return [[event, at]]
    const documents = event.documents.filter(({ id }) => !pushed.has(id))
    return documents.length === 0 ? [] : [[{ ...event, documents }, at]]
  })
}
