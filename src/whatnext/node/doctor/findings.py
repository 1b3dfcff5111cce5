"""What the doctor's probes saw, without judgement. Skews are milliseconds, sizes bytes, addresses multiaddrs."""

from enum import StrEnum

import msgspec


class FileState(StrEnum):
    """How a file of the profile was found."""

    FINE = "fine"
    MISSING = "missing"
    OPEN = "open"
    """Others on this device can read it."""
    UNREADABLE = "unreadable"
    DAMAGED = "damaged"


class FileSeen(msgspec.Struct, frozen=True):
    """One file; `detail` is a mode or the system's words, empty when it is fine."""

    path: str
    state: FileState
    detail: str = ""


class ProfileSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The profile on the disk; `held` says who uses it, `unwritable` why it cannot be written.

    `crash` is the report on the last node that ended against its will, `crashed_s` how long ago that was.
    """

    directory: str
    key: FileSeen
    database: FileSeen
    free_bytes: int
    held: str | None = None
    unwritable: str | None = None
    crash: str | None = None
    crashed_s: float = 0.0


class InterfaceSeen(msgspec.Struct, frozen=True):
    """An interface that is up; `ips` without zones."""

    name: str
    ips: tuple[str, ...]
    multicast: bool


class MulticastSeen(msgspec.Struct, frozen=True):
    """A question of our own sent to the mDNS group on one interface; `problem` is None when it was heard back."""

    interface: str
    problem: str | None = None
    port_taken: bool = False


class AddressTried(msgspec.Struct, frozen=True):
    """One announced address dialled over TCP from this device; `own`: the IP belongs to one of its interfaces."""

    address: str
    own: bool
    problem: str | None = None


class FirewallSeen(msgspec.Struct, frozen=True):
    """Names of firewall tools found here, and whether ufw is set to be on (None: cannot be known)."""

    system: str
    tools: tuple[str, ...] = ()
    ufw_on: bool | None = None


class PeerSeen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One peer as the node knows it; `nearby` is the state mDNS gives it, None when it was not heard."""

    peer: str
    name: str | None
    connected: bool
    nearby: str | None
    problem: str | None
    skew_ms: int | None
    """How far its clock is ahead of ours."""


class WordSeen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one peer answered to a dial-back: where it sees this device (empty if it cannot tell), what it reached."""

    peer: str
    observed: str
    reached: list[str] = []
    failed: list[str] = []
    problem: str | None = None


class PortSeen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A connection that went out from our port `local` and was seen at port `seen` by a peer elsewhere."""

    by: str
    local: int
    seen: int


class RelaySeen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A relay of this device; `reserved`: it holds a place for it."""

    relay: str
    connected: bool
    reserved: bool
    problem: str | None


class NodeSeen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What only the running node knows; `discovery` is False when it was started with `--no-mdns`."""

    peer: str
    addresses: list[str]
    discovery: bool
    discovery_problem: str | None
    peers: list[PeerSeen]
    words: list[WordSeen] = []
    seen_ports: list[PortSeen] = []
    relays: list[RelaySeen] = []


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was seen; `node` is None when none runs, and `announced` then what one would announce."""

    profile: ProfileSeen
    interfaces: list[InterfaceSeen]
    announced: list[str]
    multicast: list[MulticastSeen]
    tried: list[AddressTried]
    firewall: FirewallSeen
    node: NodeSeen | None = None
