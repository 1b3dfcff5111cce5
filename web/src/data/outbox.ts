// Edits that the node has not taken yet, kept in this browser in case the page ends before the node is back
// (docs/decisions/adr-261122-where-the-database-lives.md). Every page keeps its own under a name that it holds a lock on;
// a page that opens takes over what the pages before it left.

import type { CollectionName } from '@whatnext/rxdb-link'

export type Fields = Record<string, unknown>

/** A document that waits: `base` is what it was before (null: it was not there), `now` what it is (null: removed). */
export interface Waiting { name: CollectionName, id: string, base: Fields | null, now: Fields | null }

type Held = Waiting & { kept?: string }

const PAUSE_MS = 200
const MAX_CHARACTERS = 2_000_000 // browsers give an origin five million

export class Outbox {
  readonly #waiting = new Map<string, Held>()
  readonly #prefix: string
  readonly #key: string
  #timer: ReturnType<typeof setTimeout> | undefined
  #isKept = true
  /** Names under which pages before this one kept what it took over, until it is kept under its own; what frees each. */
  readonly #inherited = new Map<string, () => void>()

  constructor (peer: string) {
    this.#prefix = `waiting:${peer}:`
    this.#key = this.#prefix + crypto.randomUUID()
    void navigator.locks?.request(this.#key, async () => { await new Promise(() => {}) }) // held until the page ends
    addEventListener('pagehide', () => { this.#keep() })
  }

  /** Whether all that waits is kept, as far as room goes. */
  get isSafe (): boolean {
    this.#keep()
    return this.#isKept
  }

  /** Note a change; what waited of the document before is continued. */
  note (name: CollectionName, id: string, before: object | null, now: object | null): void {
    const known = this.#waiting.get(id)
    const base = known === undefined ? before : known.base === null ? null : { ...before, ...known.base }
    this.#waiting.set(id, { name, id, base: base === null ? null : bare(base), now: now === null ? null : bare(now) })
    this.#soon()
  }

  /** Whether the node's taking `document` leaves nothing to wait for. */
  isSettledBy (document: Fields & { id: string }): boolean {
    const now = this.#waiting.get(document.id)?.now
    if (now === undefined) return true
    if (now === null || document['_deleted'] === true) return now === null && document['_deleted'] === true
    return Object.entries(now).every(([name, value]) => isSame(value, document[name]))
  }

  /** What waits of a document, the same thing until it is changed again. */
  edit (id: string): unknown { return this.#waiting.get(id) }

  drop (id: string): void {
    if (this.#waiting.delete(id)) this.#soon()
  }

  /** Be given what other pages leave: of those that are no more now, of those that are open when they end; while seen. */
  takeOver (given: (left: Waiting[]) => void): void {
    const asked = new Set([this.#key])
    const ask = (key: string): void => {
      if (!key.startsWith(this.#prefix) || asked.has(key)) return
      asked.add(key)
      const take = async (): Promise<void> => {
        if (document.hidden) { // its timers are slow: one that is looked at goes first
          document.addEventListener('visibilitychange', request, { once: true })
          return
        }
        const left = read(key).map((each) => this.#beside(each)).filter((each) => each !== null)
        for (const each of left) if (!this.#waiting.has(each.id)) this.#waiting.set(each.id, each)
        given(left)
        await new Promise<void>((resolve) => { // the lock is held meanwhile: no third page takes it over too
          this.#inherited.set(key, resolve)
          this.#keep()
        })
      }
      const request = (): void => {
        if (navigator.locks === undefined) void take()
        else void navigator.locks.request(key, take)
      }
      request()
    }
    for (const key of Object.keys(localStorage)) ask(key)
    if (navigator.locks === undefined) return // whether the page that keeps something now is still there, nobody knows
    addEventListener('storage', ({ key }) => { if (key !== null) ask(key) })
  }

  // As much of it as was not changed here too, which is taken for newer.
  #beside (left: Waiting): Waiting | null {
    const own = this.#waiting.get(left.id)
    if (own === undefined) return left
    const [before, after] = [own.base, own.now]
    if (before === null || after === null || left.base === null || left.now === null) return null
    const fields = Object.keys(left.now).filter((field) => field === 'tags' || isSame(before[field], after[field]))
    return fields.length === 0 ? null : { ...left, base: only(fields, left.base), now: only(fields, left.now) }
  }

  #soon (): void {
    this.#timer ??= setTimeout(() => { this.#keep() }, PAUSE_MS)
  }

  #keep (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      // What is kept of each is made once: thousands may wait while one after the other is taken.
      for (const held of this.#waiting.values()) held.kept ??= JSON.stringify(difference(held))
      const text = `[${[...this.#waiting.values()].map(({ kept }) => kept).filter((kept) => kept !== 'null').join(',')}]`
      this.#isKept = text.length <= MAX_CHARACTERS
      if (text === '[]') localStorage.removeItem(this.#key)
      else if (this.#isKept) localStorage.setItem(this.#key, text)
      if (this.#isKept) this.#leave()
    } catch {
      this.#isKept = false // no room: the page asks before it is closed
    }
  }

  #leave (): void {
    for (const [key, free] of this.#inherited) {
      localStorage.removeItem(key)
      free()
    }
    this.#inherited.clear()
  }
}

/** A document without what RxDB and the node add to it. */
export const bare = (document: object): Fields =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !name.startsWith('_') && name !== 'version'))

export const isSame = (one: unknown, other: unknown): boolean =>
  one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other))

/** A list with what was put to another and taken from it: friends may have changed it as well. */
export const withChanges = (list: unknown[], base: unknown[], now: unknown[]): unknown[] => {
  const kept = list.filter((each) => now.includes(each) || !base.includes(each))
  return [...kept, ...now.filter((each) => !base.includes(each) && !kept.includes(each))]
}

// Of a document that was there before only the fields that differ: what friends do to the others stays.
function difference ({ name, id, base, now }: Waiting): Waiting | null {
  if (base === null) return now === null ? null : { name, id, base, now }
  if (now === null) return { name, id, base: {}, now }
  const changed = Object.keys(now).filter((field) => !isSame(base[field], now[field]))
  return changed.length === 0 ? null : { name, id, base: only(changed, base), now: only(changed, now) }
}

const only = (fields: string[], from: Fields): Fields => Object.fromEntries(fields.map((field) => [field, from[field]]))

function read (key: string): Waiting[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? '[]')
    return Array.isArray(found) ? found.filter((each) => typeof each?.id === 'string') as Waiting[] : []
  } catch {
    return [] // not ours, or damaged
  }
}
