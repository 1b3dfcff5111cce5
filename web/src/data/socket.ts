// The way to the node next door. Browsers hold WebSockets back from a host that refused many (RFC 6455, 7.2.3; Chromium by
// up to 5 s, from some thirty on); plain requests they do not, so one of those looks first whether anybody is there. After
// seconds without a node that makes no difference that we could measure; it is for a node that was away for long.

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
