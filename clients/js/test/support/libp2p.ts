// js-libp2p peers for tests, and how they come in.

import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Ed25519PrivateKey, Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Open } from '../../src/channel.ts'
import { Link } from '../../src/link.ts'
import { admissionOf, join, libp2pStream } from '../../src/libp2p.ts'

export interface Peer { libp2p: Libp2p, key: Ed25519PrivateKey }

/** A peer with a new key that listens nowhere. */
export async function peerOf (seed?: Uint8Array): Promise<Peer> {
  const key = await generateKeyPairFromSeed('Ed25519', seed ?? crypto.getRandomValues(new Uint8Array(32)))
  const libp2p = await createLibp2p({
    privateKey: key,
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { reconnectRetries: 0 },
    services: { identify: identify() }
  })
  return { libp2p, key }
}

/** Streams to the node at an address. */
export function streamTo ({ libp2p }: Peer, address: string, protocols?: string[]): Open {
  return libp2pStream(libp2p, multiaddr(address), protocols)
}

/** Come into a playlist by an invite, through the node at an address. */
export async function joinBy (peer: Peer, address: string, invite: string): Promise<void> {
  const link = new Link(streamTo(peer, address))
  try {
    await join(link, await admissionOf(invite, peer.key))
  } finally {
    link.stop()
  }
}
