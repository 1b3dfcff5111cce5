// The channel to a node of one's own: the WebSocket of its local API.

import type { Channel, Open, Receiver } from './channel.ts'

export const SUBPROTOCOLS = ['whatnext.rxdb.1.1', 'whatnext.rxdb.1.0']

/** Where the node is; `token` is for Node.js: a browser has the cookie of the node's one-time link instead. */
export interface NodeAddress {
  /** `http://127.0.0.1:PORT`, as in the profile's node.json. */
  url: string
  token?: string
}

/** Opens WebSockets to a node; `address` is asked each time, as port and token change when the node restarts. */
export function webSocket (address: NodeAddress | (() => NodeAddress | Promise<NodeAddress>)): Open {
  return async (receiver, signal) => {
    const at = typeof address === 'function' ? await address() : address
    signal.throwIfAborted()
    return await opened(socketTo(at), receiver, signal)
  }
}

function socketTo ({ url, token }: NodeAddress): WebSocket {
  const target = new URL('/rxdb', url)
  target.protocol = target.protocol === 'https:' ? 'wss:' : 'ws:'
  if (token === undefined) return new WebSocket(target, SUBPROTOCOLS)
  // Node's WebSocket takes headers, which no browser does.
  const options = { protocols: SUBPROTOCOLS, headers: { authorization: `Bearer ${token}` } }
  return new WebSocket(target, options as unknown as string[])
}

async function opened (socket: WebSocket, receiver: Receiver, signal: AbortSignal): Promise<Channel> {
  return await new Promise((resolve, reject) => {
    let isClosed = false
    const close = (): void => {
      isClosed = true
      socket.close()
    }
    const abort = (): void => {
      close()
      reject(new Error('connecting took too long, or was given up'))
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.onopen = () => {
      signal.removeEventListener('abort', abort)
      resolve({ send: (message) => { if (socket.readyState === WebSocket.OPEN) socket.send(message) }, close })
    }
    socket.onmessage = ({ data }) => { if (!isClosed) receiver.message(String(data)) }
    socket.onerror = () => {} // the event says nothing, and `close` follows
    socket.onclose = ({ code, reason }) => {
      signal.removeEventListener('abort', abort)
      const why = reason === '' ? `the WebSocket was closed (${code})` : reason
      reject(new Error(why))
      if (!isClosed) receiver.closed(why)
    }
  })
}
