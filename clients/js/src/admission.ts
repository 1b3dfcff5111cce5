// How a peer that is no node joins a playlist: it signs the one record that admits it, with its libp2p key, and shows
// it to a member. The record is that of src/whatnext/records/codec.py, the proof that of records/invites.py.

import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { toBase58 } from './encoding.ts'
import { type Invite, parseInvite } from './invite.ts'
import { LinkError, type Link } from './link.ts'
import { pack } from './msgpack.ts'

const RECORD_VERSION = 1
const NO_PREVIOUS = new Uint8Array()

/** A signed admission: keep it, to show the same one again; a new one for each start is a new log for everybody. */
export interface Admission {
  playlist: string
  /** Base64. */
  body: string
  signature: string
}

/** Sign the record by which the holder of `key`, this peer's libp2p key, comes in by an invite. */
export async function admissionOf (
  invite: Invite | string, key: Ed25519PrivateKey, now: number = Date.now()
): Promise<Admission> {
  const { playlist, playlistId, secret } = typeof invite === 'string' ? parseInvite(invite) : invite
  const peer = peerIdFromPrivateKey(key).toString()
  const author = key.publicKey.raw
  const inviteKey = await generateKeyPairFromSeed('Ed25519', secret)
  const proof = await inviteKey.sign(bytesOf('whatnext/join/1', playlistId, author))
  const fields = new Map([['invite', toBase58(inviteKey.publicKey.raw)], ['proof', toBase58(proof)]])
  const body = pack([
    RECORD_VERSION,
    playlistId,
    author,
    crypto.getRandomValues(new Uint8Array(8)), // a log of its own, so it can never fork
    1,
    NO_PREVIOUS,
    BigInt(now) << 16n,
    [['members', peer, fields]],
    new Map()
  ])
  const signature = await key.sign(bytesOf('whatnext/record/1', body))
  return { playlist, body: base64Of(body), signature: base64Of(signature) }
}

/** Show an admission to the node behind a link; rejects with a `LinkError` whose message says why it is refused. */
export async function join (link: Link, { playlist, body, signature }: Admission): Promise<void> {
  const { result } = await link.call('', 'join', [playlist, body, signature], 'join')
  if (result !== true) throw new LinkError('bad_answer', 'the node answered something else than yes or no')
}

function bytesOf (context: string, ...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode(context), ...parts.flatMap((part) => [...part])])
}

function base64Of (bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
