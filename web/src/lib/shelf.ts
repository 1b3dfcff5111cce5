// The playlists on this device as lists show them, by name.

import type { Playlist } from '@whatnext/rxdb-link'
import type { App } from '../app.svelte.ts'
import type { NewsView } from '../data/views.ts'

export interface Shelved {
  playlist: Playlist, entries: number, durationMs: number, members: string[], news: NewsView | undefined
}

/** Every playlist with what its card says. */
export function shelf ({ store, news }: App): Shelved[] {
  const playlists = [...store.tables.playlists.of().docs.values()]
  return playlists.map((playlist) => {
    const entries = store.tables.entries.of(playlist.id).docs
    let durationMs = 0
    for (const entry of entries.values()) durationMs += entry.durationMs ?? 0
    const members = [...store.tables.members.of(playlist.id).docs.values()]
      .filter((member) => !member.left && member.role !== 'removed').map((member) => member.peerId)
    return { playlist, entries: entries.size, durationMs, members, news: news.of(playlist.id) }
  }).sort((left, right) => left.playlist.name.localeCompare(right.playlist.name))
}

/** Every tag in use, in any case once, by the alphabet. */
export function tagsOf (shelved: Shelved[]): string[] {
  const found = new Map(shelved.flatMap(({ playlist }) => playlist.tags.map((tag) => [tag.toLowerCase(), tag])))
  return [...found.values()].sort((left, right) => left.localeCompare(right))
}

export const hasTag = (playlist: Playlist, tag: string): boolean =>
  playlist.tags.some((each) => each.toLowerCase() === tag.toLowerCase())
