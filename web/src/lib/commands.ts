// Everything that the command palette can do besides opening playlists.

import type { App } from '../app.svelte.ts'
import { text } from '../text.ts'
import { to } from './route.ts'
import { nextTheme } from './theme.ts'

/** `also`: more words by which it is found. */
export interface Command { group: string, name: string, also?: string, run: () => void }

export function commands (app: App): Command[] {
  const group = text.palette.commands
  const go = (name: string, hash: string): Command => ({ group: text.palette.go, name, run: () => { location.hash = hash } })
  return [
    ...app.acts,
    { group, name: text.nav.add, run: () => { app.ask = 'create' } },
    { group, name: text.nav.join, run: () => { app.link = ''; app.ask = 'join' } },
    go(text.nav.playlists, to.home), go(text.nav.people, to.people), go(text.nav.network, to.network),
    { group, name: text.palette.theme, run: nextTheme },
    { group, name: text.palette.shortcuts, run: () => { app.ask = 'keys' } }
  ]
}
