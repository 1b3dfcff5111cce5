// A js-libp2p 3 peer for the tests:
// `node peer.mjs '{"listen": […], "transports": […], "muxers": ["yamux"], "protocols": […], "mdns": true, "relays": {}}'`.
// Says who and where it is as one line of JSON, then answers each line {"id", "do", …} on stdin with {"id", "result"} or
// {"id", "error"}; ends with stdin.

import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { mdns } from '@libp2p/mdns'
import { mplex } from '@libp2p/mplex'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const ECHO = '/test/echo/1.0.0'
const LATE = '/test/late/1.0.0'
const NEVER = '/test/never/1.0.0'
const PATIENCE_MS = 10_000
const PAUSE_MS = 500
// Those with native parts are loaded on demand: not every platform has a binary.
const transports = {
  tcp: async () => tcp(),
  ws: async () => webSockets(),
  relay: async () => circuitRelayTransport(),
  quic: async () => (await import('@chainsafe/libp2p-quic')).quic(),
  webrtc: async () => (await import('@libp2p/webrtc')).webRTCDirect()
}
const muxers = { yamux: yamux(), mplex: mplex() }

const settings = JSON.parse(process.argv[2])
const found = new Map()
const node = await createLibp2p({
  addresses: { listen: settings.listen },
  transports: await Promise.all((settings.transports ?? ['tcp', 'ws']).map((name) => transports[name]())),
  streamMuxers: (settings.muxers ?? ['yamux']).map((name) => muxers[name]),
  connectionEncrypters: [noise()],
  peerDiscovery: settings.mdns ? [mdns()] : [],
  connectionManager: { reconnectRetries: 0 },
  services: {
    identify: identify(),
    ping: ping({ runOnLimitedConnection: true }),
    ...(settings.relays ? { relay: circuitRelayServer({ reservations: settings.relays }) } : {})
  }
})
node.addEventListener('peer:discovery', ({ detail }) => {
  found.set(detail.id.toString(), detail.multiaddrs.map(String))
})
const overRelays = { runOnLimitedConnection: true } // else js-libp2p takes and opens no stream on a relayed connection
await node.handle(ECHO, echo, overRelays)
await node.handle(LATE, late)
await node.handle(NEVER, (stream) => stream.pause())
for (const protocol of settings.protocols ?? []) await node.handle(protocol, (stream) => stream.close())

async function echo (stream) {
  for await (const piece of stream) {
    if (!stream.send(piece)) await stream.onDrain()
  }
  await stream.close()
}

// Reads nothing for a while, then everything: as many bytes as the first four say. Then answers with one.
async function late (stream) {
  stream.pause()
  await setTimeout(PAUSE_MS)
  stream.resume()
  let wanted, bytes = 0
  for await (const piece of stream) {
    wanted ??= 4 + Buffer.from(piece.subarray()).readUInt32BE()
    bytes += piece.byteLength
    if (bytes >= wanted) break
  }
  stream.send(new Uint8Array([1]))
  await stream.close()
}

const signal = () => AbortSignal.timeout(PATIENCE_MS)
// Who dials is done a moment before who is dialled, so a connection may need to be waited for.
const connectionTo = async (peer) => {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await setTimeout(5)) {
    const connection = node.getConnections().find((each) => each.remotePeer.toString() === peer)
    if (connection != null) return connection
  }
  throw new Error(`not connected with ${peer}`)
}
const shown = (connection) => ({
  peer: connection.remotePeer.toString(),
  address: connection.remoteAddr.toString(),
  encryption: connection.encryption ?? null,
  muxer: connection.multiplexer ?? null,
  direction: connection.direction
})

const operations = {
  dial: async ({ address }) => shown(await node.dial(multiaddr(address), { signal: signal() })),
  ping: async ({ peer }) => node.services.ping.ping((await connectionTo(peer)).remotePeer, { signal: signal() }),
  identify: async ({ peer }) => {
    const told = await node.services.identify.identify(await connectionTo(peer), { signal: signal() })
    return {
      agent: told.agentVersion,
      protocols: told.protocols,
      listening: told.listenAddrs.map(String),
      observed: told.observedAddr?.toString() ?? null
    }
  },
  open: async ({ peer, protocols }) => {
    const stream = await (await connectionTo(peer)).newStream(protocols, { signal: signal() })
    stream.abort(new Error('only the agreement was wanted'))
    return stream.protocol
  },
  echo: async ({ peer, bytes }) => {
    const stream = await (await connectionTo(peer)).newStream(ECHO, { signal: signal(), ...overRelays })
    const sent = randomBytes(bytes)
    const reading = (async () => {
      const pieces = []
      let length = 0
      for await (const piece of stream) {
        pieces.push(piece.subarray())
        length += piece.byteLength
        if (length >= bytes) break
      }
      return Buffer.concat(pieces)
    })()
    for (let at = 0; at < bytes; at += 65536) {
      if (!stream.send(sent.subarray(at, at + 65536))) await stream.onDrain({ signal: signal() })
    }
    const received = await reading
    await stream.close({ signal: signal() })
    return { bytes: received.length, same: Buffer.compare(sent, received) === 0 }
  },
  pour: async ({ peer, protocol, bytes }) => {
    const stream = await (await connectionTo(peer)).newStream(protocol, { signal: signal() })
    const head = Buffer.alloc(4)
    head.writeUInt32BE(bytes)
    stream.send(head)
    const piece = randomBytes(65536)
    for (let sent = 0; sent < bytes; sent += piece.length) {
      if (!stream.send(piece)) await stream.onDrain({ signal: signal() })
    }
    for await (const answer of stream) return answer.byteLength === 1
    throw new Error('the stream ended without an answer')
  },
  connections: async () => node.getConnections().map(shown),
  hangup: async ({ peer }) => node.hangUp((await connectionTo(peer)).remotePeer, { signal: signal() }),
  found: async () => Object.fromEntries(found)
}

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')
say({ peer: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...asked } = JSON.parse(line)
  operations[name](asked).then(
    (result) => say({ id, result: result ?? null }),
    (error) => say({ id, error: `${error.name}: ${error.message}` })
  )
}
process.exit(0)
