// What the collections hold, kept in plain maps by playlist: a page of 10,000 rows reads them without asking RxDB.

import type { RxChangeEventBulk, RxCollection } from 'rxdb'
import { SvelteMap } from 'svelte/reactivity'

interface InPlaylist { id: string, playlistId?: string }

/** The documents of one playlist (or of none) in one collection; reading `docs` follows their changes. */
export interface Group<Document> { readonly docs: ReadonlyMap<string, Document> }

/** One collection, filled by what RxDB tells of it. */
export class Table<Document extends InPlaylist> {
  readonly #docs = new Map<string, Map<string, Document>>()
  // Made here and not by who reads: Svelte lets nobody follow state that it made itself while computing.
  readonly #revisions = new SvelteMap<string, number>()

  /** Those of one playlist, or all of a collection that belongs to none. */
  of (playlist = ''): Group<Document> {
    void this.#revisions.get(playlist)
    return { docs: this.#group(playlist) }
  }

  follow (collection: RxCollection<Document>): void {
    collection.eventBulks$.subscribe((bulk: RxChangeEventBulk<Document>) => {
      const touched = new Set<string>()
      for (const event of bulk.events) {
        const document = event.documentData as unknown as Document
        const playlist = document.playlistId ?? ''
        if (event.operation === 'DELETE') this.#group(playlist).delete(document.id)
        else this.#group(playlist).set(document.id, document)
        touched.add(playlist)
      }
      for (const playlist of touched) this.#revisions.set(playlist, (this.#revisions.get(playlist) ?? 0) + 1)
    })
  }

  #group (playlist: string): Map<string, Document> {
    const found = this.#docs.get(playlist)
    if (found !== undefined) return found
    const made = new Map<string, Document>()
    this.#docs.set(playlist, made)
    return made
  }
}
