// Dragging rows by pointer: the list shows the order as it would be, so the others make room by themselves.

import type { Entry } from '@whatnext/rxdb-link'
import type { List } from './list.svelte.ts'
import type { Rows } from './rows.svelte.ts'

const EDGE = 72 // pixels from the top or bottom within which the list scrolls along
const FASTEST = 18 // pixels a frame
const SLACK = 4 // pixels that a press may slip

export class Drag {
  /** The order while something is dragged, or null. */
  order: Entry[] | null = $state.raw(null)
  /** The row under the pointer, and its top in the list. */
  held: string | null = $state(null)
  top = $state(0)
  readonly #list: List
  readonly #rows: Rows
  #moved: Entry[] = []
  #rest: Entry[] = []
  #place = 0
  #grip = 0
  #y = 0
  #isMoved = false
  #frame = 0

  constructor (list: List, rows: Rows) {
    this.#list = list
    this.#rows = rows
  }

  /** How many rows are dragged. */
  get count (): number { return this.#moved.length }

  /** Begin with a press on a row's handle. */
  start (event: PointerEvent, entry: Entry, index: number): void {
    if (event.button !== 0) return
    event.preventDefault()
    this.#moved = this.#list.chosen(entry)
    const moved = new Set(this.#moved.map((each) => each.id))
    this.#rest = this.#list.entries.filter((each) => !moved.has(each.id))
    this.#y = event.clientY
    this.#isMoved = false
    this.#grip = this.#rows.below(event.clientY) - index * this.#rows.height
    this.held = entry.id
    this.#follow()
    const ending = new AbortController()
    const end = (isDone: boolean): void => {
      ending.abort()
      cancelAnimationFrame(this.#frame)
      void this.#drop(isDone)
    }
    const listen = { signal: ending.signal }
    window.addEventListener('pointermove', (moving) => {
      this.#y = moving.clientY
      this.#isMoved ||= Math.abs(moving.clientY - event.clientY) > SLACK
    }, listen)
    window.addEventListener('pointerup', () => { end(true) }, listen)
    window.addEventListener('pointercancel', () => { end(false) }, listen)
    window.addEventListener('keydown', (pressed) => { if (pressed.key === 'Escape') end(false) }, listen)
  }

  #follow = (): void => {
    this.#scroll()
    const { height } = this.#rows
    this.top = Math.max(0, Math.min(this.#rows.below(this.#y) - this.#grip, (this.#list.entries.length - 1) * height))
    const place = Math.max(0, Math.min(Math.round(this.top / height), this.#rest.length))
    if (this.order === null || place !== this.#place) {
      this.#place = place
      this.order = [...this.#rest.slice(0, place), ...this.#moved, ...this.#rest.slice(place)]
    }
    this.#frame = requestAnimationFrame(this.#follow)
  }

  #scroll (): void {
    const { scroller } = this.#rows
    if (scroller === undefined) return
    const { top, bottom } = scroller.getBoundingClientRect()
    const over = Math.max(0, EDGE - (bottom - this.#y)) - Math.max(0, EDGE - (this.#y - top))
    scroller.scrollTop += Math.max(-1, Math.min(1, over / EDGE)) * FASTEST
  }

  // The order shown stays until the list itself has it: no row jumps back in between.
  async #drop (isDone: boolean): Promise<void> {
    this.held = null
    if (isDone && this.#isMoved) await this.#list.moveBehind(this.#moved, this.#rest[this.#place - 1] ?? null)
    this.order = null
  }
}
