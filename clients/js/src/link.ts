// A link to one node that outlives its connections: connects again by itself, and carries the requests and the streams
// of any number of collections on one channel.

import { BehaviorSubject, Subject, type Observable } from 'rxjs'
import type { Channel, Open } from './channel.ts'
import { parseAnswer, STREAM, type Received } from './messages.ts'

export interface LinkOptions {
  /** How long an answer may take before the channel counts as dead. */
  timeoutMs?: number
  /** Pause before the first attempt to connect again; it doubles up to `maxDelayMs`, each cut by chance by up to half. */
  minDelayMs?: number
  maxDelayMs?: number
  /** After this long without a message the node is asked for something, to notice a dead path. */
  idleMs?: number
  random?: () => number
}

/** `stopped` is for good. */
export type LinkState = 'connecting' | 'open' | 'waiting' | 'stopped'

/** A document that the node did not take, and the sentence why. */
export interface Refusal {
  collection: string
  id: string
  reason: string
}

/** Something failed; `code` is the node's, or `not_connected`, `closed`, `timeout`, `stopped`, `bad_answer` of ours. */
export class LinkError extends Error {
  readonly code: string

  constructor (code: string, message: string) {
    super(message)
    this.name = 'LinkError'
    this.code = code
  }
}

interface Pending {
  resolve: (answer: Received) => void
  reject: (error: LinkError) => void
  timer: ReturnType<typeof setTimeout>
}

/** Hears an event of the stream, with its place in the order of all messages. */
export type Listener = (event: unknown, order: number) => void

export class Link {
  readonly #open: Open
  readonly #options: Required<LinkOptions>
  readonly #state = new BehaviorSubject<LinkState>('waiting')
  readonly #problems = new Subject<LinkError>()
  readonly #refusals = new Subject<Refusal>()
  readonly #opened = new Subject<void>()
  readonly #ending = new AbortController()
  readonly #pending = new Map<string, Pending>()
  readonly #subscriptions = new Map<string, Listener>()
  readonly #waiting = new Set<() => void>()
  #channel: Channel | undefined
  #attempts = 0
  #number = 0
  #order = 0
  #pause: ReturnType<typeof setTimeout> | undefined
  #idle: ReturnType<typeof setTimeout> | undefined
  #round = 0

  /** Begins to connect at once. `open` makes each channel: `webSocket(…)` or `libp2pStream(…)`. */
  constructor (open: Open, options: LinkOptions = {}) {
    this.#open = open
    this.#options = {
      timeoutMs: 30_000, minDelayMs: 250, maxDelayMs: 15_000, idleMs: 60_000, random: Math.random, ...options
    }
    void this.#connect()
  }

  /** How it stands with the connection, now and after each change. */
  get state$ (): Observable<LinkState> { return this.#state.asObservable() }

  get state (): LinkState { return this.#state.value }

  /** Every failed attempt to connect, every lost connection, every request that the node could not answer. */
  get problems$ (): Observable<LinkError> { return this.#problems.asObservable() }

  /** Every document that the node refused; the replication puts the node's state in its place by itself. */
  get refusals$ (): Observable<Refusal> { return this.#refusals.asObservable() }

  /** Emits whenever a channel is open and its subscriptions are made: what was missed has to be pulled now. */
  get opened$ (): Observable<void> { return this.#opened.asObservable() }

  /**
   * Ask the node. While there is no connection it waits for one. Rejects with a `LinkError`: the channel closed
   * before the answer, it took too long, the node said why not, the link was stopped, or `signal` aborted.
   * `client` names the asker over all its connections (see `replicate`).
   */
  async call (
    collection: string, method: string, params: unknown[], client: string, signal?: AbortSignal
  ): Promise<Received> {
    let channel: Channel
    do { // between an answer to `await` and what follows it, the channel may be lost or the caller give up
      channel = await this.#untilOpen(signal)
    } while (channel !== this.#channel || signal?.aborted === true)
    const answer = await this.#ask(channel, { collection, method, params }, client, signal)
    if (answer.error !== undefined && answer.result === undefined) {
      const error = new LinkError(answer.error.code, answer.error.message)
      this.#problems.next(error)
      throw error
    }
    for (const [id, reason] of Object.entries(answer.error?.rows ?? {})) this.#refusals.next({ collection, id, reason })
    return answer
  }

  /** Hear what changes in a collection, on this and every later channel; returns the way to stop it. */
  subscribe (collection: string, listener: Listener): () => void {
    if (this.#subscriptions.has(collection)) throw new Error(`“${collection}” is replicated over this link already`)
    this.#subscriptions.set(collection, listener)
    if (this.#channel !== undefined) this.#sendSubscription(this.#channel, collection)
    return () => { this.#subscriptions.delete(collection) }
  }

  /** Try now instead of after the pause: the network came back, say. */
  connectNow (): void {
    if (this.#state.value !== 'waiting') return
    clearTimeout(this.#pause)
    void this.#connect()
  }

  /** Close for good: every request that waits is rejected, nothing is tried again. */
  stop (): void {
    if (this.#state.value === 'stopped') return
    this.#ending.abort()
    clearTimeout(this.#pause)
    this.#drop(new LinkError('stopped', 'the link was stopped'))
    this.#state.next('stopped')
    for (const wake of [...this.#waiting]) wake()
    for (const subject of [this.#state, this.#problems, this.#refusals, this.#opened]) subject.complete()
  }

  async #connect (): Promise<void> {
    const round = ++this.#round
    const isCurrent = (): boolean => round === this.#round && this.#state.value !== 'stopped'
    this.#state.next('connecting')
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(this.#options.timeoutMs)])
    let ended: string | undefined
    try {
      const channel = await this.#open({
        message: (text) => { if (isCurrent()) this.#take(text) },
        closed: (reason) => {
          ended = reason
          if (isCurrent() && this.#channel !== undefined) this.#lose('closed', reason)
        }
      }, signal)
      if (!isCurrent() || ended !== undefined) channel.close()
      if (!isCurrent()) return
      if (ended === undefined) this.#begin(channel)
      else this.#lose('closed', ended)
    } catch (error) {
      if (isCurrent()) this.#lose('not_connected', error instanceof Error ? error.message : String(error))
    }
  }

  #begin (channel: Channel): void {
    this.#channel = channel
    for (const collection of this.#subscriptions.keys()) this.#sendSubscription(channel, collection)
    this.#watch()
    this.#state.next('open')
    if (this.#channel !== channel) return // a listener stopped us
    this.#opened.next()
    for (const wake of [...this.#waiting]) wake()
  }

  #lose (code: string, reason: string): void {
    const { minDelayMs, maxDelayMs, random } = this.#options
    const error = new LinkError(code, reason)
    this.#drop(error)
    this.#state.next('waiting')
    this.#problems.next(error)
    if (this.#state.value !== 'waiting') return // a listener stopped us, or wants to connect now
    const delay = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(this.#attempts++, 20)) * (0.5 + random() / 2)
    this.#pause = setTimeout(() => { void this.#connect() }, delay)
  }

  #drop (error: LinkError): void {
    const channel = this.#channel
    this.#channel = undefined
    this.#round++ // whatever the old channel still says is no longer heard
    clearTimeout(this.#idle)
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer)
      pending.reject(error)
    }
    this.#pending.clear()
    channel?.close()
  }

  #take (text: string): void {
    let answer: Received
    try {
      answer = { ...parseAnswer(text), order: ++this.#order }
    } catch (error) {
      this.#lose('bad_answer', `the node sent no message of RxDB's replication: ${String(error)}`)
      return
    }
    this.#attempts = 0 // only a node that answers counts as one that is back
    this.#watch()
    if (answer.id === STREAM) {
      this.#subscriptions.get(answer.collection)?.(answer.result, answer.order)
      return
    }
    const pending = this.#pending.get(answer.id)
    if (pending === undefined) return
    this.#pending.delete(answer.id)
    clearTimeout(pending.timer)
    pending.resolve(answer)
  }

  #ask (
    channel: Channel, request: { collection: string, method: string, params: unknown[] }, client: string,
    signal: AbortSignal | undefined
  ): Promise<Received> {
    return new Promise((resolve, reject) => {
      const id = `${client}|${this.#number++}`
      const timer = setTimeout(() => {
        this.#lose('timeout', `the node has not answered ${request.method} for ${this.#options.timeoutMs / 1000} s`)
      }, this.#options.timeoutMs)
      const abort = (): void => {
        clearTimeout(timer)
        this.#pending.delete(id)
        reject(new LinkError('stopped', 'the replication was stopped'))
      }
      signal?.addEventListener('abort', abort, { once: true })
      const settle = <Outcome>(done: (outcome: Outcome) => void) => (outcome: Outcome): void => {
        signal?.removeEventListener('abort', abort)
        done(outcome)
      }
      this.#pending.set(id, { resolve: settle(resolve), reject: settle(reject), timer })
      channel.send(JSON.stringify({ id, ...request }))
    })
  }

  async #untilOpen (signal: AbortSignal | undefined): Promise<Channel> {
    for (;;) {
      if (this.#state.value === 'stopped') throw new LinkError('stopped', 'the link was stopped')
      if (signal?.aborted === true) throw new LinkError('stopped', 'the replication was stopped')
      if (this.#channel !== undefined) return this.#channel
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal?.addEventListener('abort', wake)
      })
    }
  }

  #sendSubscription (channel: Channel, collection: string): void {
    channel.send(JSON.stringify({ id: STREAM, collection, method: 'masterChangeStream$', params: [] }))
  }

  // A path can die without a word, and a browser sends no pings: an idle one is asked for one document.
  #watch (): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      this.call('playlists', 'masterChangesSince', [null, 1], 'idle').catch(() => {}) // told by `problems$`
    }, this.#options.idleMs)
  }
}
