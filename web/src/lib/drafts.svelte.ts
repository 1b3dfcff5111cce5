// What somebody writes into fields that friends may change meanwhile: it stays theirs until it is saved.

import { SvelteMap } from 'svelte/reactivity'

export class Drafts {
  readonly #written = new SvelteMap<string, string>()
  #saved: Promise<unknown> = Promise.resolve()

  /** What a field shows: what is being written there, else what is saved. */
  of (field: string, saved: string): string { return this.#written.get(field) ?? saved }

  /** For `oninput` of the fields, or of what holds them; they go by their names. */
  readonly write = ({ target }: Event): void => {
    if (isField(target)) this.#written.set(target.name, target.value)
  }

  /** For `onfocusout`: once what was written is saved, the field shows what is saved. */
  readonly leave = ({ target }: Event): void => {
    if (isField(target)) void this.#saved.then(() => { this.#written.delete(target.name) })
  }

  /** What is written is being saved; `saved` never fails. */
  until (saved: Promise<unknown>): void { this.#saved = saved }
}

const isField = (target: EventTarget | null): target is HTMLInputElement | HTMLTextAreaElement =>
  (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) && target.name !== ''
