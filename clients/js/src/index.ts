export type { Channel, Open, Receiver } from './channel.ts'
export {
  collectionsOf, READ_ONLY, SHARED,
  type CollectionName, type Comment, type Documents, type Entry, type Member, type Peer, type Playlist, type Profile,
  type Vote
} from './collections.ts'
export { commentId, entryId, profileId, uniqueId, voteId } from './ids.ts'
export { Link, LinkError, type LinkOptions, type LinkState, type Refusal } from './link.ts'
export type { Answer, Checkpoint, Fault, Pulled } from './messages.ts'
export { isPosition, NoRoom, positionAfter, positionBetween, positionRun, type Draw } from './positions.ts'
export { replicate, type ReplicateOptions } from './replicate.ts'
export { SUBPROTOCOLS, webSocket, type NodeAddress } from './websocket.ts'
