// Invite links: `whtnxt://join/<playlist id>?peer=<PeerID>&addr=<multiaddr>&relay=<multiaddr>#<secret>`.

import { fromBase32, fromBase58, toBase58 } from './encoding.ts'

/** What an invite link says. */
export interface Invite {
  playlist: string
  playlistId: Uint8Array
  /** 32 bytes, the seed of an Ed25519 key. */
  secret: Uint8Array
  peers: string[]
  addresses: string[]
  relays: string[]
}

const SCHEME = 'whtnxt://'
const MAX_CHARACTERS = 4096

/** Read an invite link; throws an `Error` that says what is wrong with it. */
export function parseInvite (link: string): Invite {
  const text = link.trim()
  if (text.length > MAX_CHARACTERS) throw new Error(`the link has ${text.length} characters, at most ${MAX_CHARACTERS} are read`)
  const parts = /^whtnxt:\/\/join\/([a-z2-7]{32})\?([^#]*)#([1-9A-HJ-NP-Za-km-z]{32,44})$/i.exec(text)
  if (parts === null) throw new Error(`this is no invite link: it should look like ${SCHEME}join/…?peer=…#…, in one piece`)
  const [, playlist = '', query = '', fragment = ''] = parts
  const playlistId = fromBase32(playlist)
  const secret = fromBase58(fragment)
  if (playlistId === null || secret?.length !== 32 || toBase58(secret) !== fragment) {
    throw new Error('the link is damaged: copy the whole link again')
  }
  const given = valuesOf(query)
  if (given.peer.length === 0) throw new Error('the link names no member to join through: ask for a new one')
  return { playlist, playlistId, secret, peers: given.peer, addresses: given.addr, relays: given.relay }
}

function valuesOf (query: string): Record<'peer' | 'addr' | 'relay', string[]> {
  const given = { peer: [] as string[], addr: [] as string[], relay: [] as string[] }
  for (const part of query.split('&')) {
    const [key = '', value = ''] = part.split('=', 2)
    if (!(key in given) || value === '') throw new Error('the link has a part that this version does not know: update it')
    given[key as keyof typeof given].push(decodeURIComponent(value)) // “+” is no space here
  }
  return given
}
