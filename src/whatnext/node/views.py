"""What the running node's operations answer with. Times are milliseconds, `…At` since 1970 UTC."""

import msgspec


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One live connection; `direction` is `in` or `out`, `path` is `lan`, `direct` or `relay`."""

    peer: str
    address: str
    direction: str
    transport: str
    path: str
    opened_at: int
    latency_ms: float | None


class SyncView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one playlist stands with one peer.

    `state` is `unknown`, `introducing`, `joining`, `catching up`, `in sync` or `refused`; `pending_out` counts records
    the peer lacks, `pending_in` those we lack; None while that cannot be known.
    """

    playlist: str
    peer: str
    state: str
    pending_out: int | None
    pending_in: int | None
    name: str | None = None
    """The peer's, where it is known."""
    refused: str | None = None
    """Why the peer refuses it, as a code: `removed`, `revoked`, `not_here`…"""


class PlaylistStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One playlist of this node and how far each connected member is."""

    id: str
    name: str
    state: str
    peers: list[SyncView]


class ListenerView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One address of this device: its transport, and from where it can be dialled as far as the address says.

    `reach` is `device` (this machine alone), `network`, `internet` (a firewall may still be in the way) or `relay`.
    """

    address: str
    transport: str
    reach: str


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The node as a whole."""

    peer: str
    name: str
    version: str
    profile: str
    url: str
    started_at: int
    uptime_ms: int
    addresses: list[str]
    playlists: list[PlaylistStatus]
    connections: list[ConnectionView]
    listeners: list[ListenerView] = []
    """The same addresses, with what they mean."""


class PeerView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One peer: connected (a secure connection), handshaken (it greeted as WhatNext) and in sync are three things."""

    peer: str
    name: str | None
    connected: bool
    handshaken: bool
    in_sync: bool
    path: str | None
    latency_ms: float | None
    address: str | None
    last_seen: int | None
    problem: str | None
    playlists: list[SyncView]
    blocked: bool = False
    relay: bool = False
    """It serves as a relay: most of them have no name and greet nobody."""
    here: bool = False
    """It is on this network, as mDNS says."""
    connecting: bool = False
    """A dial is under way, and there is no connection yet."""
    paused: bool = False
    """This device's user disconnected it."""


class NeighbourView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A peer on the same network; `state` is `here`, `quiet` (not heard lately) or `gone`, for `since_ms`."""

    peer: str
    name: str | None
    whatnext: bool
    state: str
    since_ms: int
    connected: bool
    addresses: list[str]


class Discovered(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is on the same network; `problem` says why discovery does not work here."""

    neighbours: list[NeighbourView]
    problem: str | None


class Connected(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A connection to the peer is there, by this address."""

    peer: str
    address: str
    path: str


class Disconnected(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """No connection to the peer is left; `connections` were closed."""

    peer: str
    connections: int


class Blocked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a peer is blocked now, and whether that is new; `shared` names the playlists both are in."""

    peer: str
    name: str | None
    blocked: bool
    changed: bool
    shared: list[str]


class Forgotten(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was kept of the peer's addresses and name is gone; a block stays (`blocked`)."""

    peer: str
    name: str | None
    was_known: bool
    blocked: bool


class PingReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Milliseconds there and back, one for each ping that was answered."""

    peer: str
    path: str
    round_trips_ms: list[float]
    lost: int


class Stopping(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The node will be gone in a moment."""

    peer: str


class BrowserLink(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An address that signs a browser in, once, for a minute."""

    url: str


class RelayView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One relay of this device.

    `reserved_until` is when the place it holds for us ends (milliseconds since 1970; it is renewed before), None while
    there is none; then `problem` says why, if it is known. A circuit through it ends after `circuit_s` seconds or
    `circuit_bytes` each way, None where it sets no limit, and is then dialled anew.
    """

    relay: str
    addresses: list[str]
    connected: bool = False
    reserved_until: int | None = None
    circuit_s: int | None = None
    circuit_bytes: int | None = None
    problem: str | None = None
