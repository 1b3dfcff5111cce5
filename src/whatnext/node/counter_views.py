"""What `node.counters` answers with: counts since the node started, zeros left out of lists."""

import msgspec


class Counted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How often something of this name (a label's value in docs/metrics.md) happened."""

    name: str
    count: int


class Over(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One transport: connections `open` now, and dials that became one, failed, or lost a race (`given_up`).

    Half of the dials that became a connection took at most `half_within_ms`, handshakes included.
    """

    transport: str
    open: int
    dialled: int
    failed: int
    given_up: int
    half_within_ms: float | None


class Handshakes(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step of securing connections, `noise` or `mux`; half of them took at most `half_within_ms`."""

    step: str
    count: int
    failed: int
    half_within_ms: float | None


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How often one way to find a peer knew an address, and how often it knew nothing."""

    way: str
    found: int
    nothing: int


class Synced(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What went over sync links: bytes of their frames; records that counted here (`in`) or were sent (`out`).

    `duplicates` came although they were here; `refused` are the peers' that do not count here, by reason.
    """

    bytes_in: int
    bytes_out: int
    records_in: int
    records_out: int
    duplicates: int
    refused: list[Counted]
    refused_by_peers: list[Counted]


class NodeCounters(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The counters of a running node.

    Peers that `came` (got their first connection) by who dialled, that `left`, or `moved` to another path; `streams`
    and `relayed` connections open now. `recent_bytes` are bytes of sync, both ways, of each `every_ms` of the last
    minutes, the latest last.
    """

    since: int
    transports: list[Over]
    failures: list[Counted]
    handshakes: list[Handshakes]
    came: list[Counted]
    left: int
    moved: int
    streams: int
    relayed: int
    finding: list[Finding]
    neighbours: list[Counted]
    neighbours_left: int
    refusals: list[Counted]
    links_ended: list[Counted]
    synced: Synced
    recent_bytes: list[int]
    every_ms: int
