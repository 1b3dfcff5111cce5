"""js-libp2p 3 peers, one process each for all tests here."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from js_peer import JsPeer, has_binary, js_peer

sys.path.insert(0, str(Path(__file__).parent))  # `meeting` is shared by these tests

from meeting import WAYS

NATIVE = {"quic-v1": "quic", "webrtc-direct": "webrtc"}
"""Transports of js-libp2p that need a binary for the platform, with the names they have in `peer.mjs`."""


@pytest.fixture(scope="session")
def js() -> Iterator[JsPeer]:
    """One that speaks yamux, over all transports it has binaries for here."""
    ways = [way for way in WAYS if has_binary(way)]
    transports = [NATIVE.get(way, way) for way in ways]
    with js_peer(
        listen=[WAYS[way] for way in ways], transports=transports, protocols=["/whatnext/sync/2.0.0"]
    ) as peer:
        yield peer


@pytest.fixture(scope="session")
def old_js() -> Iterator[JsPeer]:
    """One that has no yamux, only mplex."""
    with js_peer(listen=[WAYS["tcp"], WAYS["ws"]], muxers=["mplex"]) as peer:
        yield peer
