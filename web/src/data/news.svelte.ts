// What others changed since somebody looked here. The node keeps how far that was, whichever browser looks.

import { SvelteMap } from 'svelte/reactivity'
import { call } from './api.ts'
import { hear } from './events.ts'
import type { NewsView } from './views.ts'

const PAUSE_MS = 300

export class News {
  readonly #told = new SvelteMap<string, NewsView>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #marked = 0

  constructor () {
    for (const kind of ['change', 'resync', 'ready'] as const) hear(kind, () => { this.#soon() })
    void this.look()
  }

  /** What nobody has seen yet of a playlist. */
  of (playlist: string): NewsView | undefined { return this.#told.get(playlist) }

  /** Ask the node now. */
  async look (): Promise<void> {
    const marked = this.#marked
    try {
      const told = await call<NewsView[]>('playlist.news')
      if (marked !== this.#marked) { // something was seen meanwhile: the answer may not know it
        this.#soon()
        return
      }
      const here = new Set(told.map((each) => each.playlist))
      for (const playlist of this.#told.keys()) if (!here.has(playlist)) this.#told.delete(playlist)
      for (const each of told) this.#told.set(each.playlist, each)
    } catch {
      // Without the node nothing is new; the next change asks again.
    }
  }

  /** Somebody has seen it. Should the node not hear of it, it tells the same again. */
  seen (news: NewsView): void {
    this.#marked++
    this.#told.delete(news.playlist)
    call('playlist.seen', { playlist: news.playlist, upto: news.upto }).catch(() => {})
  }

  #soon (): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.look()
    }, PAUSE_MS)
  }
}
