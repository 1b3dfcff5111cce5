// What the command palette can do with the playlist that is open.

import { text } from '../text.ts'
import type { Command } from './commands.ts'
import { exportAs, FORMATS } from './files.ts'
import type { List } from './list.svelte.ts'

export function actsOf (list: List, focus: { add: () => void, filter: () => void }): Command[] {
  const group = list.playlist?.name ?? ''
  const act = (name: string, run: () => void): Command => ({ group, name, run })
  const chosen = list.shown.filter((entry) => list.selected.size > 0 ? list.selected.has(entry.id) : entry.id === list.active)
  const ofChosen = list.canEdit && chosen.length > 0
    ? [
        act(text.playlist.toTop, () => { void list.move(chosen, 0) }), act(text.playlist.toEnd, () => { void list.move(chosen, Infinity) }),
        act(text.playlist.removeChosen(chosen.length), () => { void list.remove(chosen) })
      ]
    : []
  return [
    ...(list.canEdit ? [act(text.playlist.add, focus.add)] : []),
    ...ofChosen,
    ...(list.canEdit ? [act(text.history.last, () => { void list.takeBack() })] : []),
    act(text.playlist.filter, focus.filter),
    act(text.talk.title, () => { list.panel = 'talk' }),
    act(text.modes.next, () => { list.panel = 'next' }),
    act(text.playlist.history, () => { list.panel = 'history' }),
    act(text.playlist.invite, () => { list.panel = 'people' }),
    act(text.settings.open, () => { list.panel = 'settings' }),
    ...FORMATS.map(([format, name]) => act(text.playlist.exportFormat(name), () => { void exportAs(list.app, list.id, format) }))
  ]
}
