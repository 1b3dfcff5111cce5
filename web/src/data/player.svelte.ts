// Playing the user's own files, and who listens to what. A node without a music folder leaves all of it hidden.

import type { Entry } from '@whatnext/rxdb-link'
import { SvelteMap } from 'svelte/reactivity'
import { byPosition, upNext } from '../lib/order.ts'
import { call } from './api.ts'
import type { Store } from './database.svelte.ts'
import { follow } from './events.ts'
import type { Matches, MusicView, PresenceView, Choice } from './views.ts'

const TELL_MS = 30_000 // the node forgets after 90 s what was not said again

export class Player {
  readonly #store: Store
  readonly #audio = new Audio()
  readonly #playable = new SvelteMap<string, ReadonlySet<string>>()
  readonly #listening = new SvelteMap<string, string>()
  #telling: ReturnType<typeof setInterval> | undefined
  /** The music folder; null where the node plays nothing. */
  music = $state.raw<MusicView | null>(null)
  now = $state.raw<Entry | null>(null)
  isPlaying = $state(false)
  /** Whether members hear what is played here; null while the node was not asked. */
  isTelling = $state<boolean | null>(null)
  seconds = $state(0)
  length = $state(0)

  constructor (store: Store, failed: (title: string) => void) {
    this.#store = store
    const audio = this.#audio
    audio.addEventListener('timeupdate', () => { this.seconds = audio.currentTime })
    audio.addEventListener('durationchange', () => { this.length = Number.isFinite(audio.duration) ? audio.duration : 0 })
    audio.addEventListener('play', () => { this.#playing(true) })
    audio.addEventListener('pause', () => { this.#playing(false) })
    audio.addEventListener('ended', () => { this.next() })
    audio.addEventListener('error', () => {
      if (this.now === null || audio.getAttribute('src') === null) return
      failed(this.now.title)
      this.stop()
    })
    follow(['music'], () => this.#look())
    follow(['presence'], () => this.#listen())
  }

  /** Whether a file on this device is this track. */
  canPlay (entry: Entry): boolean { return this.#playable.get(entry.playlistId)?.has(entry.id) ?? false }

  /** Who of the others listens to it right now, by PeerID. */
  listeners (entry: Entry): string[] {
    return [...this.#listening].filter(([, heard]) => heard === entry.id).map(([peer]) => peer)
  }

  /** Title of what somebody listens to right now, as far as it is here. */
  hears (peer: string): string | undefined {
    const heard = this.#listening.get(peer)
    return heard === undefined ? undefined : this.#store.tables.entries.of(heard.split(':')[0]).docs.get(heard)?.title
  }

  /** Find out what of a playlist can be played here. */
  async match (playlist: string): Promise<void> {
    if (this.music === null || this.music.folder === null) return
    try {
      const { entries } = await call<Matches>('playback.matches', { playlist })
      this.#playable.set(playlist, new Set(entries.map((entry) => `${playlist}:${entry}`)))
    } catch {
      this.#playable.delete(playlist) // without the node nothing can be played anyway
    }
  }

  async choose (folder: string): Promise<void> {
    this.#playable.clear()
    this.music = await call<MusicView>('playback.folder', { folder })
  }

  /** Let members hear what is played here, or take back what they heard; the profile keeps it. */
  async share (on: boolean): Promise<boolean> {
    this.isTelling = (await call<Choice>('presence.share', { on })).on
    if (on && this.isPlaying) this.#tell()
    return this.isTelling
  }

  play (entry: Entry): void {
    if (this.now?.id === entry.id) {
      this.toggle()
      return
    }
    this.now = entry
    this.seconds = 0
    this.#audio.src = `/play/${entry.id.replace(':', '/')}`
    void this.#start()
  }

  toggle (): void {
    if (this.#audio.paused) void this.#start()
    else this.#audio.pause()
  }

  /** Go on with what comes next in the playlist's mode and can be played; stop after the last. */
  next (): void {
    const now = this.now
    if (now === null) return
    const { entries, votes, playlists } = this.#store.tables
    const scores = new Map<string, number>()
    for (const vote of votes.of(now.playlistId).docs.values()) scores.set(vote.entryId, (scores.get(vote.entryId) ?? 0) + vote.value)
    const mode = playlists.of().docs.get(now.playlistId)?.mode ?? 'free'
    const order = upNext([...entries.of(now.playlistId).docs.values()].sort(byPosition), mode, (entry) => scores.get(entry.id) ?? 0)
    const at = order.findIndex((entry) => entry.id === now.id)
    // Somebody may have removed it while it played: then what came after it.
    const rest = at < 0 ? order.filter((entry) => byPosition(now, entry) < 0) : order.slice(at + 1)
    const following = rest.find((entry) => this.canPlay(entry))
    if (following === undefined) this.stop()
    else this.play(following)
  }

  seek (seconds: number): void { this.#audio.currentTime = seconds }

  stop (): void {
    this.#audio.pause()
    this.#audio.removeAttribute('src')
    this.now = null
  }

  // Refused when the page was never touched, or overtaken by another track: `pause` and `error` tell what matters.
  async #start (): Promise<void> { await this.#audio.play().catch(() => { this.isPlaying = false }) }

  #playing (isPlaying: boolean): void {
    this.isPlaying = isPlaying
    clearInterval(this.#telling)
    this.#tell()
    if (isPlaying) this.#telling = setInterval(() => { this.#tell() }, TELL_MS)
  }

  #tell (): void {
    const [playlist, entry] = this.now?.id.split(':') ?? []
    call('presence.set', this.isPlaying ? { playlist, entry } : {}).catch(() => {}) // only a courtesy: music plays on
  }

  async #look (): Promise<void> {
    try {
      this.music = await call<MusicView>('playback.show')
      for (const playlist of [...this.#playable.keys()]) await this.match(playlist)
    } catch {
      this.music = null // this node does not play
    }
  }

  async #listen (): Promise<void> {
    this.isTelling = (await call<Choice>('presence.show')).on
    const told = await call<PresenceView[]>('presence.list')
    const heard = new Map(told.map(({ peer, playlist, entry }) => [peer, `${playlist}:${entry}`]))
    for (const peer of [...this.#listening.keys()]) if (!heard.has(peer)) this.#listening.delete(peer)
    for (const [peer, entry] of heard) this.#listening.set(peer, entry)
  }
}
