// The way to the node next door. Browsers hold WebSockets back, for seconds, from a host that refused some before
// (RFC 6455, 7.2.3; Chromium does); plain requests they do not, so one of those looks first whether anybody is there.

import { webSocket, type Open } from '@whatnext/rxdb-link'

const STRANGER_MS = 2000

/** Opens a WebSocket at the node; rejects at once while no node answers, and soon while it does not know this browser. */
export function socketTo (url: string): Open {
  const open = webSocket({ url })
  return async (receiver, signal) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/v1/profile.show`, { method: 'POST', headers, body: '{}', signal })
    if (answer.status === 401) {
      await new Promise((resolve) => { setTimeout(resolve, STRANGER_MS) })
      throw new Error('the node does not know this browser')
    }
    return await open(receiver, signal)
  }
}
