// Edits of playlists: written here at once, replicated by themselves. Each answers when it is seen, not when it is sent.

import {
  commentId, entryId, positionAfter, positionBetween, voteId,
  type Comment, type Entry, type Playlist, type Vote
} from '@whatnext/rxdb-link'
import type { Store } from './database.svelte.ts'

/** What is known of a track that is to be added. */
export type Draft = Pick<Entry, 'title'> & Partial<Entry>

export class Edits {
  readonly #store: Store
  readonly #me: string

  constructor (store: Store, me: string) {
    this.#store = store
    this.#me = me
  }

  /** Add tracks behind `last`, the last entry (null: the list is empty). */
  async add (playlist: string, drafts: Draft[], last: Entry | null): Promise<string[]> {
    let position = last?.position ?? null
    const rows = drafts.map((draft) => {
      position = positionAfter(position)
      return { ...this.#blank(playlist), ...draft, position }
    })
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
    await this.#store.write('entries', ids, () => this.#store.collections.entries.bulkRemove(ids))
    return async () => { await this.#insert('entries', entries.map(bare)) }
  }

  /** Put entries, in their order, between two others (null: an end of the list). */
  async move (entries: Entry[], before: Entry | null, after: Entry | null): Promise<void> {
    let position = before?.position ?? null
    for (const entry of entries) {
      position = positionBetween(position, after?.position ?? null)
      await this.edit(entry.id, { position })
    }
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

// Without what RxDB adds to a document for itself.
function bare (entry: Entry): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !name.startsWith('_'))) as unknown as Entry
}
