"""The identify message; bytes in, bytes out."""

from collections.abc import Iterable

import msgspec
from google.protobuf.message import DecodeError
from libp2p.identity.identify.pb.identify_pb2 import Identify as Wire

from whatnext.errors import ProtocolViolation
from whatnext.net.addresses import Kind, kind_of, without_peer
from whatnext.net.packed_addresses import packed, unpacked
from whatnext.net.peer_records import MAX_ADDRESSES

ASK = "/ipfs/id/1.0.0"
PUSH = "/ipfs/id/push/1.0.0"
MAX_MESSAGE = 16 * 1024
"""Bytes of one message; go-libp2p reads 8 KiB and its own are 1 to 2."""
MAX_TOLD = MAX_ADDRESSES
"""Addresses told: as many as the signed record in the message holds."""
MAX_BELIEVED = 32
"""Addresses believed of others: more are of use to nobody."""
MAX_PROTOCOLS = 128
_PROTOCOL_VERSION = "ipfs/0.1.0"  # what every implementation says
_MAX_AGENT = 128


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a node tells of itself; `observed` is where it sees who asked, "" when it cannot say."""

    agent: str
    public_key: bytes
    protocols: tuple[str, ...]
    addresses: tuple[str, ...]
    observed: str = ""
    record: bytes = b""


def worth_telling(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses as they stand in the message: without the own id, relays' before they are cut off."""
    known = list(dict.fromkeys(map(without_peer, addresses)))
    relayed = [address for address in known if kind_of(address) is Kind.RELAY]
    direct = [address for address in known if kind_of(address) is not Kind.RELAY]
    return tuple([*direct[: max(0, MAX_TOLD - len(relayed))], *relayed][:MAX_TOLD])


def encode(about: About) -> bytes:
    """The message; addresses that are no multiaddrs raise `ValueError`."""
    return to_wire(about).SerializeToString()


def to_wire(about: About) -> Wire:
    """The protobuf; what is empty is left out, which readers take as unsaid."""
    return Wire(
        protocol_version=_PROTOCOL_VERSION,
        agent_version=about.agent or None,
        public_key=about.public_key or None,
        listen_addrs=[packed(address) for address in about.addresses],
        observed_addr=packed(about.observed) if about.observed else None,
        protocols=about.protocols,
        signedPeerRecord=about.record or None,
    )


def decode(body: bytes) -> About:
    """Read a message, as far as it is within bounds and of kinds known here; raises `ProtocolViolation`."""
    wire = Wire()
    try:
        wire.ParseFromString(body)
    except DecodeError as error:
        raise ProtocolViolation(f"an identify message that cannot be read: {error}") from error
    return About(
        agent="".join(c for c in wire.agent_version[:_MAX_AGENT] if c.isprintable()),
        public_key=wire.public_key,
        protocols=tuple(p for p in wire.protocols[:MAX_PROTOCOLS] if p.isprintable() and len(p) <= 256),
        addresses=tuple(unpacked(wire.listen_addrs[:MAX_BELIEVED])),
        observed=next(iter(unpacked([wire.observed_addr])), ""),
        record=wire.signedPeerRecord,
    )
