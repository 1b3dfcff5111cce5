// Ids of documents: the playlist's, a colon, and the document's own (src/whatnext/rxdb/collections.py).

import { toBase32 } from './encoding.ts'

/** A new id for something of one playlist that nobody else will choose: 16 characters, 80 bits. */
export function uniqueId (): string {
  return toBase32(crypto.getRandomValues(new Uint8Array(10)))
}

/** Id of a new entry. */
export const entryId = (playlist: string): string => `${playlist}:${uniqueId()}`

/** Id of the vote of a peer for an entry (its full id): there is one at most. */
export const voteId = (entry: string, peer: string): string => `${entry}:${peer}`

/** Id of a new comment of a peer. */
export const commentId = (playlist: string, peer: string): string => `${playlist}:${peer}:${uniqueId()}`

/** Id of a peer's profile in a playlist, and of its membership. */
export const profileId = (playlist: string, peer: string): string => `${playlist}:${peer}`
