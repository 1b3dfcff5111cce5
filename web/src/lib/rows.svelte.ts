// Which rows of a long list are in sight: only those are in the page.

const OVERSCAN = 10

export class Rows {
  readonly height: number
  first = $state(0)
  last = $state(40)
  #body: HTMLElement | undefined
  #scroller: HTMLElement | undefined

  constructor (height: number) { this.height = height }

  /** Follow the scrolling of what is around the list; an attachment of Svelte. */
  follow = (body: HTMLElement): (() => void) => {
    const scroller = body.closest<HTMLElement>('[data-scroller]')
    if (scroller === null) return () => {}
    this.#body = body
    this.#scroller = scroller
    const look = (): void => { this.look() }
    const sizes = new ResizeObserver(look)
    sizes.observe(scroller)
    sizes.observe(body)
    scroller.addEventListener('scroll', look, { passive: true })
    look()
    return () => {
      sizes.disconnect()
      scroller.removeEventListener('scroll', look)
    }
  }

  get scroller (): HTMLElement | undefined { return this.#scroller }

  /** How far below the list's top a point of the window is, in pixels. */
  below (y: number): number { return y - (this.#body?.getBoundingClientRect().top ?? 0) }

  look (): void {
    const scroller = this.#scroller
    if (scroller === undefined) return
    const top = this.below(scroller.getBoundingClientRect().top)
    const first = Math.max(0, Math.floor(top / this.height) - OVERSCAN)
    const last = Math.ceil((top + scroller.clientHeight) / this.height) + OVERSCAN
    if (first !== this.first) this.first = first
    if (last !== this.last) this.last = last
  }

  /** Scroll so that a row can be seen whole, under what sticks to the top. */
  reveal (index: number, stuck: number): void {
    const scroller = this.#scroller
    if (scroller === undefined) return
    const box = scroller.getBoundingClientRect()
    const top = (this.#body?.getBoundingClientRect().top ?? 0) + index * this.height - box.top
    if (top < stuck) scroller.scrollTop += top - stuck
    else if (top + this.height > box.height) scroller.scrollTop += top + this.height - box.height + 8
    this.look()
  }
}
