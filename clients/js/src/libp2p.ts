// The channel to a friend's node: a libp2p stream, on which this peer is the member that its PeerID is.

import type { DialTarget, Libp2p, Stream } from '@libp2p/interface'
import type { Channel, Open, Receiver } from './channel.ts'
import { frame, textOf, Unframer } from './framing.ts'

export { admissionOf, join, type Admission } from './admission.ts'
export { parseInvite, type Invite } from './invite.ts'

export const PROTOCOLS = ['/whatnext/rxdb/1.1.0', '/whatnext/rxdb/1.0.0']

const MAX_UNREAD = 64 * 1024 * 1024

/**
 * Opens streams to a node; `target` is its address, or its PeerID once it is known. `protocols` are those to offer,
 * newest first.
 */
export function libp2pStream (libp2p: Libp2p, target: DialTarget, protocols: string[] = PROTOCOLS): Open {
  return async (receiver, signal) => {
    const connection = await libp2p.dial(target, { signal })
    let stream: Stream
    try {
      // Relays limit their connections, and libp2p opens no stream on those unless it is told to.
      stream = await connection.newStream(protocols, { signal, runOnLimitedConnection: true, negotiateFully: true })
    } catch (error) {
      if ((error as Error).name !== 'UnsupportedProtocolError') throw error
      const offered = protocols.join(', ')
      throw new Error(`no version in common: the node knows none of ${offered}; update WhatNext on the older side`)
    }
    return channelOn(stream, receiver, stream.protocol === PROTOCOLS[0])
  }
}

function channelOn (stream: Stream, receiver: Receiver, packs: boolean): Channel {
  stream.inactivityTimeout = Number.MAX_SAFE_INTEGER // nothing changes for hours, and the link looks after it
  stream.maxReadBufferLength = MAX_UNREAD
  let isClosed = false
  const end = (reason: string): void => {
    if (isClosed) return
    isClosed = true
    stream.abort(new Error(reason))
    receiver.closed(reason)
  }
  stream.addEventListener('close', ({ error }) => { end(error?.message ?? 'the node ended the stream') })
  read(stream, (text) => { if (!isClosed) receiver.message(text) }).then(
    () => { end('the node ended the stream') },
    (error: unknown) => { end(`from the node: ${String(error)}`) }
  )
  let sending: Promise<void> = Promise.resolve()
  return {
    send: (message) => {
      sending = sending.then(async () => {
        const bytes = await frame(message, packs)
        if (!isClosed && !stream.send(bytes)) await stream.onDrain()
      }).catch((error: unknown) => { end(`to the node: ${String(error)}`) })
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      stream.close().catch((error: Error) => { stream.abort(error) })
    }
  }
}

async function read (stream: Stream, take: (text: string) => void): Promise<void> {
  const unframer = new Unframer()
  for await (const piece of stream) {
    for (const payload of unframer.feed(piece.subarray())) take(await textOf(payload))
  }
}
