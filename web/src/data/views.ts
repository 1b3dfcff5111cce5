// What operations answer with, as far as the pages read it (src/whatnext/playlists/views.py, node/views.py).

export interface ProfileView { peer: string, name: string, colour: string | null, directory: string | null }
export interface PlaylistSummary { id: string, name: string, state: string }
export interface Changed { playlist: string, record: string | null, ids: string[], notes: string[] }
export interface ImportReport { playlist: string, name: string, entries: number, format: string, warnings: string[] }
export interface Export { filename: string, content: string, losses: string[] }
export interface Joined { playlist: string, state: string }
export interface Connected { peer: string, address: string, path: string }
export interface QrCode { rows: string[] }
export interface DeviceLink { peer: string, link: string, addresses: string[] }

export interface InviteView {
  id: string, role: string, expiresAt: number | null, revoked: boolean, usedBy: string[], link: string | null
}

export interface HistoryItem {
  record: string, at: number, peer: string, name: string | null, what: string, undoes: string | null, undone: boolean
  canUndo: boolean // false: the node always refuses it
}

export interface NewsView {
  playlist: string, upto: number, changes: number, peers: string[], entries: string[], comments: string[]
}

export interface PastEntry {
  id: string, position: string, title: string, artists: string[], album: string, durationMs: number | null, note: string
  addedBy: string, addedAt: number
}

export interface PastView { playlist: string, record: string, at: number, entries: PastEntry[] }

export interface Verdict { check: string, verdict: 'ok' | 'warning' | 'problem' | 'not checked', seen: string, next: string | null }
export interface Report { nodeRunning: boolean, problems: number, verdicts: Verdict[] }

export interface SearchHit {
  playlist: string, playlistName: string, entry: { id: string, title: string, artists: string[] } | null
}

export interface Sync {
  playlist: string, peer: string, state: string, pendingOut: number | null, pendingIn: number | null, refused: string | null
}

export interface PeerView {
  peer: string, name: string | null, connected: boolean, handshaken: boolean, inSync: boolean, path: string | null
  latencyMs: number | null, address: string | null, lastSeen: number | null, problem: string | null, playlists: Sync[]
  blocked: boolean, relay: boolean, here: boolean, connecting: boolean, paused: boolean
}

export interface ConnectionView {
  peer: string, address: string, direction: string, transport: string, path: string, openedAt: number
  latencyMs: number | null
}

export interface Listener { address: string, transport: string, reach: 'device' | 'network' | 'internet' | 'relay' }

export interface NodeStatus {
  peer: string, name: string, version: string, profile: string, url: string, startedAt: number, uptimeMs: number
  addresses: string[], connections: ConnectionView[], listeners: Listener[]
  playlists: Array<{ id: string, name: string, state: string, peers: Sync[] }>
}

export interface Counted { name: string, count: number }
export interface Over {
  transport: string, open: number, dialled: number, failed: number, givenUp: number, halfWithinMs: number | null
}
export interface Handshakes { step: string, count: number, failed: number, halfWithinMs: number | null }
export interface Finding { way: string, found: number, nothing: number }
export interface Synced {
  bytesIn: number, bytesOut: number, recordsIn: number, recordsOut: number, duplicates: number
  refused: Counted[], refusedByPeers: Counted[]
}
export interface NodeCounters {
  since: number, transports: Over[], failures: Counted[], handshakes: Handshakes[], came: Counted[], left: number
  moved: number, streams: number, relayed: number, finding: Finding[], neighbours: Counted[], neighboursLeft: number
  refusals: Counted[], linksEnded: Counted[], synced: Synced, recentBytes: number[], everyMs: number
}

export interface RelayView {
  relay: string, addresses: string[], connected: boolean, reservedUntil: number | null, problem: string | null
}

export interface StepView { at: number, afterMs: number, kind: string, text: string, address: string | null, tookMs: number | null }
export interface Life {
  number: number, beganAt: number, connected: boolean, over: boolean, failedBefore: number, skipped: number, steps: StepView[]
}
export interface AddressView { address: string, workedAt: number | null, failingSince: number | null }
export interface Shared { playlist: string, name: string, state: string | null, pendingOut: number | null, pendingIn: number | null }

export interface PeerReport {
  peer: string, name: string | null, standing: string, agent: string | null, lastSeen: number | null
  problem: string | null, connections: ConnectionView[], addresses: AddressView[], playlists: Shared[], lives: Life[]
}

export interface StepEvent extends StepView { peer: string, life: number }
export interface PeerEvent { peer: string, state: string, playlist: string | null, reason: string | null }
export interface JoinEvent { playlist: string, state: string, peer: string, reason?: string | null }
export interface ChangeEvent { playlist: string, feed: number, local: boolean, reset: boolean }

export interface LinkView {
  kind: 'connect' | 'join', peers: Array<{ peer: string, name: string | null, claimed: string | null }>
  addresses: string[], playlist: string | null, title: string | null, titleClaimed: boolean, known: boolean, own: boolean
}

export interface MusicView { folder: string | null, files: number, looking: boolean, problem: string | null }
export interface Matches { playlist: string, entries: string[], hasFolder: boolean, looking: boolean }
export interface Choice { on: boolean }
export interface PresenceView { peer: string, playlist: string, entry: string }
export interface PresenceEvent { peer: string, playlist: string, entry: string | null }
