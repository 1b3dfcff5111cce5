// What all parts of the page share: the store, who we are, where we are, what was said.

import { getContext, setContext } from 'svelte'
import { call, sentence } from './data/api.ts'
import { openStore, type Store } from './data/database.svelte.ts'
import { Edits } from './data/edits.ts'
import { Player } from './data/player.svelte.ts'
import { follow, hear } from './data/events.ts'
import { News } from './data/news.svelte.ts'
import type { PlaylistSummary, ProfileView } from './data/views.ts'
import { tellAttention } from './lib/attention.ts'
import type { Command } from './lib/commands.ts'
import { upright } from './lib/names.ts'
import { routeOf, to, type Route } from './lib/route.ts'
import { text } from './text.ts'

const KEY = Symbol('app')
const TOAST_MS = 7000

export interface Toast { id: number, said: string, isBad: boolean, act?: { label: string, run: () => void } }
export type Ask = 'create' | 'join' | 'palette' | 'keys' | 'first' | null

export class App {
  readonly store: Store
  readonly edits: Edits
  readonly player: Player
  readonly news = new News()
  profile: ProfileView = $state() as ProfileView
  route: Route = $state({ page: 'home' })
  /** The dialog that is open. */
  ask: Ask = $state(null)
  link = $state('')
  /** The track that was searched for: the list it is in goes there. */
  sought: string | null = $state(null)
  toasts: Toast[] = $state([])
  /** Playlists that a member has yet to let this device into. */
  joining = $state.raw<PlaylistSummary[]>([])
  /** What the page that is open adds to the command palette. */
  acts: Command[] = $state.raw([])
  #number = 0

  constructor (store: Store, profile: ProfileView) {
    this.store = store
    this.profile = profile
    this.edits = new Edits(store, profile.peer)
    this.player = new Player(store, (title) => { this.say(text.player.failed(title), { isBad: true }) })
    this.#go()
    window.addEventListener('hashchange', () => { this.#go() })
    store.onRefusal((reason) => { this.say(text.problems.refused(reason), { isBad: true }) })
    follow(['join'], () => this.readJoining())
    hear('join', (event) => { if (event.state === 'refused') this.say(event.reason ?? text.common.close, { isBad: true }) })
    if (this.ask === null && (profile.name === '' || new URLSearchParams(location.search).has('first'))) this.ask = 'first'
  }

  get me (): string { return this.profile.peer }

  async readJoining (): Promise<void> {
    this.joining = (await call<PlaylistSummary[]>('playlist.list')).filter(({ state }) => state === 'joining')
  }

  /** Say something for a while, with something to do about it. */
  say (said: string, more: { isBad?: boolean, act?: Toast['act'] } = {}): void {
    const toast: Toast = { id: this.#number++, said, isBad: more.isBad ?? false, ...(more.act ? { act: more.act } : {}) }
    this.toasts = [...this.toasts.slice(-2), toast]
    setTimeout(() => { this.hush(toast.id) }, TOAST_MS)
  }

  hush (id: number): void { this.toasts = this.toasts.filter((toast) => toast.id !== id) }

  /** Run something; what goes wrong is said. Answers whether it went well. */
  async attempt (run: () => Promise<unknown>): Promise<boolean> {
    try {
      await run()
      return true
    } catch (error) {
      this.say(sentence(error), { isBad: true })
      return false
    }
  }

  /** What somebody is called in a playlist, or anywhere. */
  nameOf (peer: string, playlist?: string): string {
    if (peer === this.me) return this.profile.name || text.common.you
    const profile = playlist === undefined ? undefined : this.store.tables.profiles.of(playlist).docs.get(`${playlist}:${peer}`)
    return upright(profile?.name || this.store.tables.peers.of().docs.get(peer)?.name || '') || text.common.someone(peer)
  }

  colourOf (peer: string, playlist?: string): string | null {
    if (peer === this.me) return this.profile.colour
    const { playlists, profiles } = this.store.tables
    for (const each of playlist === undefined ? playlists.of().docs.keys() : [playlist]) {
      const colour = profiles.of(each).docs.get(`${each}:${peer}`)?.colour
      if (colour !== undefined && colour !== null) return colour
    }
    return null
  }

  async copy (said: string): Promise<void> {
    await navigator.clipboard.writeText(said)
    this.say(text.common.copied)
  }

  #go (): void {
    const route = routeOf(location.hash)
    if (route.page !== 'open') {
      this.route = route
      return
    }
    history.replaceState(null, '', to.home) // the secret of an invite does not stay in the address
    this.link = route.link
    this.ask = 'join'
  }
}

/** Sign in by the cookie and open everything; null when the node does not know this browser. */
export async function openApp (): Promise<App> {
  const profile = await call<ProfileView>('profile.show')
  tellAttention()
  return new App(await openStore(profile.peer), profile)
}

export const provide = (app: App): App => setContext(KEY, app)
export const useApp = (): App => getContext<App>(KEY)
