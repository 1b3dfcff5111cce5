/** A duration in ms, or none for people who asked their system for less motion. */
export const motion = (ms: number): number => matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : ms

const GLIDE_MS = 260 // --glide

/** Lets a row glide to a new top. A transition of CSS would not: it ends where a keyed list moves the element. */
export class Glide {
  #top: number | undefined
  #running: Animation | undefined

  /** It stands `top` pixels down by now; without `isFree` something else moves it, and it follows at once. */
  to (row: HTMLElement, top: number, isFree: boolean): void {
    const from = this.#running?.playState === 'running' ? new DOMMatrix(getComputedStyle(row).transform).m42 : this.#top
    this.#running?.cancel()
    this.#top = top
    const duration = motion(GLIDE_MS)
    if (!isFree || from === undefined || from === top || duration === 0) return
    const frames = [from, top].map((y) => ({ transform: `translateY(${y}px)` }))
    this.#running = row.animate(frames, { duration, easing: 'cubic-bezier(0.2, 0.8, 0.2, 1)' })
  }
}
