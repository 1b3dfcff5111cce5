// Edits of playlists: written here at once, replicated by themselves. Each answers when it is seen, not when it is sent.

import {
  commentId, entryId, NoRoom, positionBetween, positionRun, voteId,
  type Comment, type Entry, type Playlist, type Vote
} from '@whatnext/rxdb-link'
import { call } from './api.ts'
import type { Store } from './database.svelte.ts'

/** What is known of a track that is to be added. */
export type Draft = Pick<Entry, 'title'> & Partial<Entry>

const LONG = 64 // characters of a position that the node should make short again, as records/positions.py says

export class Edits {
  readonly #store: Store
  readonly #me: string

  constructor (store: Store, me: string) {
    this.#store = store
    this.#me = me
  }

  /** Add tracks behind `last`, the last entry (null: the list is empty). */
  async add (playlist: string, drafts: Draft[], last: Entry | null): Promise<string[]> {
    const positions = keys(last?.position ?? null, null, drafts.length)
    const rows = drafts.map((draft, at) => ({ ...this.#blank(playlist), ...draft, position: positions[at] ?? '' }))
    await this.#insert('entries', rows)
    return rows.map((row) => row.id)
  }

  /** Change fields of an entry. */
  async edit (id: string, fields: Partial<Entry>): Promise<void> {
    const found = await this.#store.collections.entries.findOne(id).exec()
    if (found !== null) await this.#store.write('entries', [id], () => found.incrementalPatch(fields))
  }

  /** Remove entries; the answer puts them back as they were. */
  async remove (entries: Entry[]): Promise<() => Promise<void>> {
    const ids = entries.map((entry) => entry.id)
    await this.#store.patch('entries', new Map(ids.map((id) => [id, { _deleted: true }])))
    return async () => { await this.#insert('entries', entries.map(bare)) }
  }

  /** Put entries, in their order, between two others (null: an end of the list), thousands at once. */
  async move (entries: Entry[], before: Entry | null, after: Entry | null): Promise<void> {
    const positions = roomy(before?.position ?? null, after?.position ?? null, entries.length)
    const [first] = entries
    if (first === undefined) return
    if (positions === null) { // only the node, which has the whole list, can make room between these two
      const place = after === null ? { after: ownId(before) } : { before: ownId(after) }
      await call('playlist.move', { playlist: first.playlistId, entries: entries.map(ownId), ...place })
      return
    }
    await this.#store.patch('entries', new Map(entries.map((entry, at) => [entry.id, { position: positions[at] ?? '' }])))
  }

  /** Vote for (1) or against (-1) an entry, or take the vote back (0). */
  async vote (entry: Entry, value: -1 | 0 | 1): Promise<void> {
    const id = voteId(entry.id, this.#me)
    const found = await this.#store.collections.votes.findOne(id).exec()
    if (found === null) {
      await this.#insert('votes', [
        { id, version: '', playlistId: entry.playlistId, entryId: entry.id, peerId: this.#me, value }
      ])
    } else {
      await this.#store.write('votes', [id], () => value === 0 ? found.incrementalRemove() : found.incrementalPatch({ value }))
    }
  }

  /** Say something about an entry, or about the playlist. */
  async comment (playlist: string, entry: string | null, said: string): Promise<void> {
    const id = commentId(playlist, this.#me)
    await this.#insert('comments', [
      { id, version: '', playlistId: playlist, entryId: entry, author: this.#me, text: said, createdAt: Date.now() }
    ])
  }

  async uncomment (id: string): Promise<void> {
    await this.#store.write('comments', [id], () => this.#store.collections.comments.bulkRemove([id]))
  }

  /** Change name, description, cover, mode or tags. */
  async adjust (id: string, fields: Partial<Playlist>): Promise<void> {
    const found = await this.#store.collections.playlists.findOne(id).exec()
    if (found !== null) await this.#store.write('playlists', [id], () => found.incrementalPatch(fields))
  }

  async #insert (name: 'entries' | 'votes' | 'comments', rows: Array<Entry | Vote | Comment>): Promise<void> {
    const collection = this.#store.collections[name] as unknown as { bulkInsert: (rows: object[]) => Promise<unknown> }
    await this.#store.write(name, rows.map((row) => row.id), () => collection.bulkInsert(rows))
  }

  #blank (playlist: string): Omit<Entry, 'title'> {
    return {
      id: entryId(playlist), version: '', playlistId: playlist, position: '', artists: [], album: '', durationMs: null,
      isrc: null, mbid: null, links: [], note: '', addedBy: this.#me, addedAt: Date.now()
    }
  }
}

const keys = (before: string | null, after: string | null, count: number): string[] =>
  count === 1 ? [positionBetween(before, after)] : positionRun(before, after, count)

// Null where keys are equal, as two who were apart may have made them, or have grown long.
function roomy (before: string | null, after: string | null, count: number): string[] | null {
  if (before !== null && after !== null && before >= after) return null
  try {
    const made = keys(before, after, count)
    return made.some((key) => key.length > LONG) ? null : made
  } catch (error) {
    if (error instanceof NoRoom) return null
    throw error
  }
}

const ownId = (entry: Entry | null): string => entry?.id.split(':')[1] ?? ''

// Without what RxDB adds to a document for itself.
function bare (entry: Entry): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !name.startsWith('_'))) as unknown as Entry
}
