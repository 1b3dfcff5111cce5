// One open playlist: its tracks in order, what is filtered and selected, and what can be done with it.

import type { Comment, Entry, Member, Playlist } from '@whatnext/rxdb-link'
import { tick } from 'svelte'
import { SvelteSet } from 'svelte/reactivity'
import type { App } from '../app.svelte.ts'
import { call } from '../data/api.ts'
import type { Draft } from '../data/edits.ts'
import type { NewsView, PastView } from '../data/views.ts'
import { text } from '../text.ts'
import { byPosition, hasWords } from './order.ts'

export interface Votes { score: number, mine: number }
export interface Past { record: string, at: number, entries: Entry[] }
export type PanelName = 'track' | 'talk' | 'people' | 'history' | 'next' | 'settings'

const NO_VOTES: Votes = { score: 0, mine: 0 }

export class List {
  readonly app: App
  readonly id: string
  filter = $state('')
  panel: PanelName | null = $state(null)
  /** The row that the keyboard is at, and the panel shows. */
  active: string | null = $state(null)
  /** What a screen reader is told. */
  spoken = $state('')
  /** The list as it stood after a change, while somebody looks back; nothing can be changed then. */
  past: Past | null = $state.raw(null)
  readonly selected = new SvelteSet<string>()
  /** Rows that others changed while nobody looked. */
  readonly fresh = new SvelteSet<string>()
  /** Comments of others that nobody has read. */
  readonly unread = new SvelteSet<string>()
  /** Who changed how much since somebody last looked. */
  since: { changes: number, peers: string[] } | null = $state.raw(null)

  readonly playlist: Playlist | undefined = $derived.by(() => this.app.store.tables.playlists.of().docs.get(this.id))
  readonly entries: Entry[] = $derived.by(() => this.past?.entries ?? [...this.app.store.tables.entries.of(this.id).docs.values()].sort(byPosition))
  readonly shown: Entry[] = $derived.by(() => {
    const words = this.filter.toLowerCase().split(/\s+/).filter((word) => word !== '')
    return words.length === 0 ? this.entries : this.entries.filter((entry) => hasWords(entry, words))
  })

  readonly durationMs: number = $derived.by(() => this.entries.reduce((sum, entry) => sum + (entry.durationMs ?? 0), 0))
  readonly members: Member[] = $derived.by(() => [...this.app.store.tables.members.of(this.id).docs.values()]
    .filter((member) => member.role !== 'removed' && !member.left)
    .sort((left, right) => Number(right.role === 'owner') - Number(left.role === 'owner') || (left.peerId < right.peerId ? -1 : 1)))

  /** Whom the owner removed. */
  readonly removed: Member[] = $derived.by(() => [...this.app.store.tables.members.of(this.id).docs.values()]
    .filter((member) => member.role === 'removed'))

  readonly role: string = $derived.by(() => this.members.find((member) => member.peerId === this.app.me)?.role ?? 'viewer')
  readonly canEdit: boolean = $derived(this.role !== 'viewer' && this.past === null)
  readonly isOwner: boolean = $derived(this.role === 'owner')
  readonly canMove: boolean = $derived(this.canEdit && this.filter === '')
  readonly #votes: Map<string, Votes> = $derived.by(() => {
    const found = new Map<string, Votes>()
    for (const vote of this.app.store.tables.votes.of(this.id).docs.values()) {
      const before = found.get(vote.entryId) ?? NO_VOTES
      const mine = vote.peerId === this.app.me ? vote.value : before.mine
      found.set(vote.entryId, { score: before.score + vote.value, mine })
    }
    return found
  })

  readonly #comments: Map<string, Comment[]> = $derived.by(() => {
    const found = new Map<string, Comment[]>()
    for (const comment of this.app.store.tables.comments.of(this.id).docs.values()) {
      const on = comment.entryId ?? ''
      const said = found.get(on)
      if (said === undefined) found.set(on, [comment])
      else said.push(comment) // not a new list for each: there may be thousands
    }
    for (const said of found.values()) said.sort((left, right) => left.createdAt - right.createdAt)
    return found
  })

  /** All that is said here, on the playlist and on its tracks, oldest first. */
  readonly talk: Comment[] = $derived.by(() => {
    const tracks = this.app.store.tables.entries.of(this.id).docs
    return [...this.#comments].filter(([on]) => on === '' || tracks.has(on)).flatMap(([, said]) => said)
      .sort((left, right) => left.createdAt - right.createdAt)
  })

  constructor (app: App, id: string) {
    this.app = app
    this.id = id
  }

  votes (entry: Entry): Votes { return this.#votes.get(entry.id) ?? NO_VOTES }

  comments (entry: string): Comment[] { return this.#comments.get(entry) ?? [] }

  /** Somebody begins to look: what came before is marked. */
  welcome (news: NewsView | undefined): void {
    if (news === undefined) return
    for (const entry of news.entries) this.fresh.add(`${this.id}:${entry}`)
    this.since = { peers: [...new Set([...news.peers, ...this.since?.peers ?? []])], changes: news.changes + (this.since?.changes ?? 0) }
    this.see(news)
  }

  /** Somebody looks at what came. */
  see (news: NewsView): void {
    for (const comment of news.comments) this.unread.add(`${this.id}:${comment}`)
    this.app.news.seen(news)
  }

  /** What an act is about: the selection if the row is in it, else the row. */
  chosen (entry: Entry): Entry[] {
    return this.selected.has(entry.id) ? this.shown.filter((each) => this.selected.has(each.id)) : [entry]
  }

  async add (drafts: Draft[]): Promise<void> {
    await this.app.attempt(async () => {
      await this.app.edits.add(this.id, drafts, this.entries.at(-1) ?? null)
      this.spoken = text.playlist.added(drafts.length)
    })
  }

  /** Show the list as it stood right after a change. */
  async lookBack (record: string): Promise<void> {
    await this.app.attempt(async () => {
      const { at, entries } = await call<PastView>('playlist.past', { playlist: this.id, record })
      const rest = { version: '', playlistId: this.id, isrc: null, mbid: null, links: [] }
      this.selected.clear()
      this.past = { record, at, entries: entries.map((entry) => ({ ...rest, ...entry, id: `${this.id}:${entry.id}` })) }
    })
  }

  async remove (entries: Entry[]): Promise<void> {
    const first = this.shown.findIndex((entry) => entry.id === entries[0]?.id)
    await this.app.attempt(async () => {
      const putBack = await this.app.edits.remove(entries)
      for (const entry of entries) this.selected.delete(entry.id)
      await tick()
      this.active = this.shown[Math.min(first, this.shown.length - 1)]?.id ?? null
      this.app.say(text.playlist.removed(entries.length), {
        act: { label: text.common.undo, run: () => { void this.app.attempt(putBack) } }
      })
    })
  }

  /** Put entries at a place in the list without them (0: the beginning). */
  async move (entries: Entry[], at: number): Promise<void> {
    const moved = new Set(entries.map((entry) => entry.id))
    const rest = this.entries.filter((entry) => !moved.has(entry.id))
    const place = Math.max(0, Math.min(at, rest.length))
    const isThere = (entry: Entry, index: number): boolean => this.entries[place + index]?.id === entry.id
    if (entries.every(isThere)) return
    await this.app.attempt(async () => {
      await this.app.edits.move(entries, rest[place - 1] ?? null, rest[place] ?? null)
      const [first] = entries
      if (first !== undefined) this.spoken = text.playlist.moved(first.title, place + 1)
    })
  }

  /** Put entries behind another (null: first), wherever friends have moved that meanwhile. */
  async moveBehind (entries: Entry[], other: Entry | null): Promise<void> {
    const moved = new Set(entries.map((entry) => entry.id))
    const rest = this.entries.filter((entry) => !moved.has(entry.id))
    await this.move(entries, rest.findIndex((entry) => entry.id === other?.id) + 1)
  }

  /** Move entries one row up or down. */
  async step (entries: Entry[], by: 1 | -1): Promise<void> {
    const first = this.entries.findIndex((entry) => entry.id === entries[0]?.id)
    await this.move(entries, first + by)
  }

  /** Take back the last own change, whatever it was. */
  async takeBack (): Promise<void> {
    await this.app.attempt(async () => {
      if (this.app.store.online) await this.app.store.settled() // else what was done last would not be the last there
      await call('playlist.undo', { playlist: this.id })
      this.app.say(text.history.taken)
    })
  }

  async vote (entry: Entry, value: 1 | -1): Promise<void> {
    if (this.past !== null) return
    const { mine } = this.votes(entry)
    await this.app.attempt(() => this.app.edits.vote(entry, mine === value ? 0 : value))
    this.spoken = text.playlist.score(this.votes(entry).score)
  }

  /** Open a panel, or close it when it is the one that is open. */
  toggle (panel: PanelName): void {
    this.panel = this.panel === panel ? null : panel
    if (panel === 'history') this.since = null
  }

  open (entry: Entry): void {
    this.active = entry.id
    this.panel = 'track'
    this.fresh.delete(entry.id)
  }
}
