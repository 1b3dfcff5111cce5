// The collections of a node. Their schemas are written by `python -m whatnext.rxdb.schemas`.

import { defaultConflictHandler, type RxCollectionCreator, type RxConflictHandler } from 'rxdb'
import schemas from './schemas.json' with { type: 'json' }

interface Common {
  id: string
  /** Changes with every change of the document; the node's, never edited here. */
  version: string
}

export interface Playlist extends Common {
  name: string
  description: string
  tags: string[]
  cover: string | null
  mode: 'free' | 'turns' | 'votes'
  owner: string
  createdAt: number
  updatedAt: number
}

export interface Entry extends Common {
  playlistId: string
  position: string
  title: string
  artists: string[]
  album: string
  durationMs: number | null
  isrc: string | null
  mbid: string | null
  links: string[]
  note: string
  addedBy: string
  addedAt: number
}

export interface Vote extends Common {
  playlistId: string
  entryId: string
  peerId: string
  value: number
}

export interface Comment extends Common {
  playlistId: string
  entryId: string | null
  author: string
  text: string
  createdAt: number
}

export interface Member extends Common {
  playlistId: string
  peerId: string
  role: 'owner' | 'editor' | 'viewer' | 'removed'
  joinedVia: string | null
  left: boolean
}

export interface Profile extends Common {
  playlistId: string
  peerId: string
  name: string
  colour: string | null
}

export interface Peer extends Common {
  name: string | null
  state: string
  path: string | null
  latencyMs: number | null
  inSync: boolean
  discoveredBy: string | null
  lastSeen: number | null
}

export interface Documents {
  playlists: Playlist
  entries: Entry
  votes: Vote
  comments: Comment
  members: Member
  profiles: Profile
  peers: Peer
}

export type CollectionName = keyof Documents

/** Those that every node serves, over both channels; `peers` comes only over the WebSocket of one's own node. */
export const SHARED: CollectionName[] = ['playlists', 'entries', 'votes', 'comments', 'members', 'profiles']

/** What nobody may write over RxDB. */
export const READ_ONLY: CollectionName[] = ['members', 'peers']

// RxDB 17.6 makes an event wait while a push is under way and then applies it, although the push may be newer: the
// document would be for a moment what it was before, and an edit of that, made now, would undo the push for good. The
// state a local edit was made on carries the same version as the edit, so it is known here and ignored.
const conflictHandler: RxConflictHandler<{ version: string }> = {
  isEqual: (one, other, context) => defaultConflictHandler.isEqual(one, other, context) ||
    (context === 'downstream-check-if-equal-1' && one.version === other.version),
  resolve: defaultConflictHandler.resolve
}

/** What `database.addCollections` takes, for some of the collections. */
export function collectionsOf (names: CollectionName[]): Record<string, RxCollectionCreator> {
  const all = schemas as unknown as Record<CollectionName, RxCollectionCreator['schema']>
  return Object.fromEntries(names.map((name) => [name, { schema: structuredClone(all[name]), conflictHandler }]))
}
