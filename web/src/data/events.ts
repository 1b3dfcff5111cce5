// `/events`: what happens on the node, as it happens. The browser connects again by itself and resumes where it was,
// except after a refusal (the session ended): then a new stream is tried. Only changes are told again after a gap, so
// what else is read from the node is read anew (`follow`). A page that nobody sees has no stream: a browser keeps at most
// six connections to one host, and with six streams open in six tabs every further request of all of them would wait.

import type { ChangeEvent, JoinEvent, PeerEvent, PresenceEvent, StepEvent } from './views.ts'

interface Kinds {
  change: ChangeEvent, peer: PeerEvent, join: JoinEvent, step: StepEvent, presence: PresenceEvent, music: object
  resync: object, ready: object
}
type Told = (event: MessageEvent<string>) => void

const RETRY_MS = 3000
const CALM_MS = 100 // a burst of events is one reading

const listeners = new Map<Told, keyof Kinds>()
let source: EventSource | undefined
let retry: ReturnType<typeof setTimeout> | undefined

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') {
    if (listeners.size > 0 && source === undefined) connect()
  } else disconnect()
})

/** Hear of one kind of event; the answer ends it. One stream serves every listener of the page. */
export function hear<Kind extends keyof Kinds> (kind: Kind, told: (event: Kinds[Kind]) => void): () => void {
  const listener: Told = (event) => { told(JSON.parse(event.data) as Kinds[Kind]) }
  listeners.set(listener, kind)
  if (source !== undefined) source.addEventListener(kind, listener)
  else if (document.visibilityState === 'visible') connect()
  return () => {
    listeners.delete(listener)
    source?.removeEventListener(kind, listener)
  }
}

/**
 * Read something now, when one of these events tells that it changed, and when events were missed: the page was slow
 * (`resync`) or the stream began anew (`ready`). One reading at a time, the last one begun after the last event. What
 * `read` throws is ignored: the node is away, and the stream's return reads again. The answer ends it.
 */
export function follow (kinds: Array<keyof Kinds>, read: () => Promise<void>, everyMs = 0): () => void {
  let isReading = false
  let isStale = false
  let isOver = false
  async function again (): Promise<void> {
    isStale = true
    if (isReading) return
    isReading = true
    while (isStale && !isOver) {
      isStale = false
      await read().catch(() => {})
      await new Promise((resolve) => { setTimeout(resolve, CALM_MS) })
    }
    isReading = false
  }
  const ends = [...kinds, 'resync' as const, 'ready' as const].map((kind) => hear(kind, () => { void again() }))
  const timer = everyMs > 0 ? setInterval(() => { if (!document.hidden) void again() }, everyMs) : undefined
  void again()
  return () => {
    isOver = true
    clearInterval(timer)
    for (const end of ends) end()
  }
}

function connect (): void {
  clearTimeout(retry)
  const stream = new EventSource('/events')
  source = stream
  for (const [listener, kind] of listeners) stream.addEventListener(kind, listener)
  stream.addEventListener('error', () => { if (stream.readyState === EventSource.CLOSED) retry = setTimeout(connect, RETRY_MS) })
}

function disconnect (): void {
  clearTimeout(retry)
  source?.close()
  source = undefined
}
