// Which playlists changed since somebody looked at them here; kept in this browser only.

import { SvelteMap } from 'svelte/reactivity'
import type { Playlist } from '@whatnext/rxdb-link'

const PREFIX = 'seen:'
const cache = new SvelteMap<string, string>()

function kept (id: string): string | null {
  return cache.get(id) ?? localStorage.getItem(PREFIX + id)
}

/** What tells one state of a playlist from another, by what is cheap to know. */
export const stateOf = (playlist: Playlist, entries: number): string => `${playlist.version} ${entries}`

export const isNews = (playlist: Playlist, entries: number): boolean => {
  const before = kept(playlist.id)
  return before !== null && before !== stateOf(playlist, entries)
}

export function markSeen (playlist: Playlist, entries: number): void {
  const now = stateOf(playlist, entries)
  if (kept(playlist.id) === now) return
  cache.set(playlist.id, now)
  localStorage.setItem(PREFIX + playlist.id, now)
}
