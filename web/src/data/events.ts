// `/events`: what happens on the node, as it happens. The browser connects again by itself and resumes where it was,
// except after a refusal (the session ended): then a new stream is tried.

import type { ChangeEvent, JoinEvent, PeerEvent, PresenceEvent, StepEvent } from './views.ts'

interface Kinds { change: ChangeEvent, peer: PeerEvent, join: JoinEvent, step: StepEvent, presence: PresenceEvent, music: object, resync: object }
type Told = (event: MessageEvent<string>) => void

const RETRY_MS = 3000

const listeners = new Map<Told, keyof Kinds>()
let source: EventSource | undefined

/** Hear of one kind of event; the answer ends it. One stream serves every listener of the page. */
export function hear<Kind extends keyof Kinds> (kind: Kind, told: (event: Kinds[Kind]) => void): () => void {
  const listener: Told = (event) => { told(JSON.parse(event.data) as Kinds[Kind]) }
  listeners.set(listener, kind)
  if (source === undefined) connect()
  else source.addEventListener(kind, listener)
  return () => {
    listeners.delete(listener)
    source?.removeEventListener(kind, listener)
  }
}

function connect (): void {
  const stream = new EventSource('/events')
  source = stream
  for (const [listener, kind] of listeners) stream.addEventListener(kind, listener)
  stream.addEventListener('error', () => { if (stream.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS) })
}
