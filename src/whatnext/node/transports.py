"""Transports a user turns on beside TCP and WebSocket: what it means for the addresses listened on."""

from collections.abc import Collection, Sequence
from types import MappingProxyType
from typing import Literal

Extra = Literal["quic", "webrtc"]

LISTEN = MappingProxyType(
    {"quic": "/ip4/0.0.0.0/udp/0/quic-v1", "webrtc": "/ip4/0.0.0.0/udp/0/webrtc-direct"}
)


def with_extra(listen: Sequence[str], extra: Collection[Extra]) -> tuple[str, ...]:
    """`listen` and an address for each transport in `extra` that has none in it yet."""
    added = [LISTEN[name] for name in sorted(extra)]
    return (*listen, *(one for one in added if not any(_kind(one) in each.split("/") for each in listen)))


def _kind(address: str) -> str:
    return address.rpartition("/")[2]
