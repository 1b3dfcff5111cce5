// The playlists on this device as lists show them, by name.

import type { Playlist } from '@whatnext/rxdb-link'
import type { Store } from '../data/database.svelte.ts'
import { isNews } from './seen.svelte.ts'

export interface Shelved { playlist: Playlist, entries: number, durationMs: number, members: string[], isNews: boolean }

/** Every playlist with what its card says. */
export function shelf (store: Store): Shelved[] {
  const playlists = [...store.tables.playlists.of().docs.values()]
  return playlists.map((playlist) => {
    const entries = store.tables.entries.of(playlist.id).docs
    let durationMs = 0
    for (const entry of entries.values()) durationMs += entry.durationMs ?? 0
    const members = [...store.tables.members.of(playlist.id).docs.values()]
      .filter((member) => !member.left && member.role !== 'removed').map((member) => member.peerId)
    return { playlist, entries: entries.size, durationMs, members, isNews: store.loaded && isNews(playlist, entries.size) }
  }).sort((left, right) => left.playlist.name.localeCompare(right.playlist.name))
}
