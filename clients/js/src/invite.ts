// Invite links: `whtnxt://join/<playlist id>?peer=<PeerID>&addr=<multiaddr>&relay=<multiaddr>&name=<text>&list=<text>#<secret>`.

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
  /** What the link claims the inviter and the playlist are called; empty when it does not say. */
  name: string
  title: string
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
  return {
    playlist, playlistId, secret, peers: given.peer, addresses: given.addr, relays: given.relay,
    name: given.name[0] ?? '', title: given.list[0] ?? ''
  }
}

type Part = 'peer' | 'addr' | 'relay' | 'name' | 'list'

function valuesOf (query: string): Record<Part, string[]> {
  const given: Record<Part, string[]> = { peer: [], addr: [], relay: [], name: [], list: [] }
  for (const part of query.split('&')) {
    const [key = '', value = ''] = part.split('=', 2)
    if (!Object.hasOwn(given, key) || value === '') throw new Error('the link has a part that this version does not know: update it')
    given[key as Part].push(unquoted(value))
  }
  return given
}

function unquoted (value: string): string {
  try {
    return decodeURIComponent(value) // “+” is no space here
  } catch {
    throw new Error('the link is damaged: copy the whole link again')
  }
}
