// The order of a list, and what would play next in each mode.

import type { Entry } from '@whatnext/rxdb-link'

/** As the node orders: by position, entries at equal ones by id. */
export function byPosition (left: Entry, right: Entry): number {
  if (left.position !== right.position) return left.position < right.position ? -1 : 1
  return left.id < right.id ? -1 : 1
}

/** The order in which tracks would play: as listed, by votes, or one of each person in turn. */
export function upNext (entries: Entry[], mode: string, scoreOf: (entry: Entry) => number): Entry[] {
  if (mode === 'votes') {
    return entries.map((entry, index) => ({ entry, index, score: scoreOf(entry) }))
      .sort((left, right) => right.score - left.score || left.index - right.index).map(({ entry }) => entry)
  }
  if (mode !== 'turns') return entries
  const rounds = new Map<string, number>()
  return entries.map((entry, index) => {
    const round = rounds.get(entry.addedBy) ?? 0
    rounds.set(entry.addedBy, round + 1)
    return { entry, index, round }
  }).sort((left, right) => left.round - right.round || left.index - right.index).map(({ entry }) => entry)
}

/** Whether a track has every word of a filter, in any case. */
export function hasWords (entry: Entry, words: string[]): boolean {
  const said = `${entry.title} ${entry.artists.join(' ')} ${entry.album} ${entry.note}`.toLowerCase()
  return words.every((word) => said.includes(word))
}
