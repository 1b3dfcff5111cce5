"""Builds the py-libp2p host: our Ed25519 key, Noise and nothing else for secrecy, yamux, TCP and WebSocket.

`libp2p.new_host` is not used: it would also offer plaintext, secio, TLS and mplex, and add a resource manager
whose limits (10 connections a second, 50 at once) count our own reconnects.
"""

import importlib.metadata
from collections.abc import Callable, Sequence

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key
from libp2p.custom_types import TProtocol
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.transport.manager import TransportManager
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from whatnext.errors import LocalError, UserError
from whatnext.identity import Identity
from whatnext.net.addresses import announced, interface_ips
from whatnext.net.admission.gate import Gate
from whatnext.net.config import NetConfig
from whatnext.net.identified import WatchedHost
from whatnext.net.multistream import bound_messages
from whatnext.net.muxers import SafeMuxers
from whatnext.net.muxing import SafeYamux
from whatnext.net.observing import Observer, ignore
from whatnext.net.swarm import SafeSwarm
from whatnext.net.transports import chosen
from whatnext.net.upgrading import ObservedUpgrader

LIBP2P_VERSION = "0.8.1"


def check_version() -> None:
    """Refuse to run on another py-libp2p: our workarounds reach into this one. Raises `LocalError`."""
    found = importlib.metadata.version("libp2p")
    if found != LIBP2P_VERSION:
        raise LocalError(
            f"WhatNext needs libp2p {LIBP2P_VERSION} exactly and found {found}: install it with"
            f" `pip install libp2p=={LIBP2P_VERSION}`"
        )


def build_host(
    identity: Identity, config: NetConfig, gate: Gate, observe: Observer = ignore
) -> tuple[WatchedHost, SafeSwarm]:
    """Make the host and its swarm; nothing runs or listens yet.

    Raises `LocalError` on another py-libp2p, `UserError` when what is to be announced is no multiaddr.
    """
    check_version()
    bound_messages()
    keys = create_new_key_pair(identity.seed)
    peer = ID.from_pubkey(keys.public_key)
    peerstore = PeerStore()
    peerstore.add_key_pair(peer, keys)
    patience = max(1, round(config.handshake_timeout_s))
    upgrader = ObservedUpgrader(
        {NOISE: Noise(keys, noise_privkey=create_noise_key().private_key)},
        {TProtocol(YAMUX): SafeYamux},
        config.handshake_timeout_s,
        observe,
    )
    upgrader.muxer_multistream = SafeMuxers(patience)
    swarm = SafeSwarm(
        peer,
        peerstore,
        upgrader,
        chosen(keys.private_key, upgrader, config),
        retry_config=RetryConfig(max_retries=0),  # a refused address stays refused: our own dialler decides
        connection_config=_limits(config),
        transport_manager=TransportManager(),
    )
    swarm.prepare(gate, config)
    host = WatchedHost(
        network=swarm, addrs_factory=_told(config.announce), disable_identify_address_discovery=True
    )
    host.prepare(gate.standing)
    host.observe = observe
    swarm.guard_streams(config)
    return host, swarm


def _limits(config: NetConfig) -> ConnectionConfig:
    # Our gate holds the maximum. The library's would refuse a friend where ours makes room, so it is out of reach.
    never = 1000 * config.max_connections
    return ConnectionConfig(
        max_connections=never,
        min_connections=0,
        low_watermark=0,
        high_watermark=never,
        max_connections_per_peer=never,
        inbound_upgrade_timeout=config.handshake_timeout_s,
        outbound_upgrade_timeout=config.handshake_timeout_s,
    )


def _told(announce: Sequence[str]) -> Callable[[list[Multiaddr]], list[Multiaddr]]:
    if not announce:
        return _real_addresses
    try:
        told = [Multiaddr(address) for address in announce]
    except ValueError as error:
        raise UserError(
            f"cannot announce “{', '.join(announce)[:120]}”: that is no multiaddr ({error})"
        ) from error
    return lambda _: list(told)


def _real_addresses(candidates: list[Multiaddr]) -> list[Multiaddr]:
    """Replace the `0.0.0.0` that stock py-libp2p tells other peers by the addresses of this device."""
    return [Multiaddr(address) for address in announced(map(str, candidates), interface_ips())]
