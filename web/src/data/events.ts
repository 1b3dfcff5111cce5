// `/events`: what happens on the node, as it happens. The browser connects again by itself and resumes where it was.

import type { ChangeEvent, JoinEvent, PeerEvent, StepEvent } from './views.ts'

interface Kinds { change: ChangeEvent, peer: PeerEvent, join: JoinEvent, step: StepEvent, resync: object }

let source: EventSource | undefined

/** Hear of one kind of event; the answer ends it. One stream serves every listener of the page. */
export function hear<Kind extends keyof Kinds> (kind: Kind, told: (event: Kinds[Kind]) => void): () => void {
  source ??= new EventSource('/events')
  const stream = source
  const listener = (event: MessageEvent<string>): void => { told(JSON.parse(event.data) as Kinds[Kind]) }
  stream.addEventListener(kind, listener)
  return () => { stream.removeEventListener(kind, listener) }
}
