"""What a user may set about the network, with the reason for each number."""

import msgspec


class NetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one network; every time is in seconds."""

    listen: tuple[str, ...] = ("/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/tcp/0/ws")
    """Multiaddrs to listen on. TCP and WebSocket need two ports: py-libp2p's shared port turns js-libp2p away."""
    announce: tuple[str, ...] = ()
    """Multiaddrs told to others instead of our own: where a forwarded port is. Empty: those we listen on."""
    max_connections: int = 64
    """Connections of both directions together (design §8)."""
    heartbeat_s: float = 5.0
    """Pause between two pings on a connection."""
    heartbeat_timeout_s: float = 8.0
    """How long an answer may take. With the pause and the closing: a silent path is noticed within 15 s."""
    dial_stagger_s: float = 0.15
    """Head start of one address before the next is tried as well."""
    dial_timeout_s: float = 10.0
    """How long one address may take, handshakes included."""
    handshake_timeout_s: float = 5.0
    """How long a stranger who connected may take to prove who it is."""
    stall_timeout_s: float = 30.0
    """How long a peer may refuse to read before its stream is reset (py-libp2p alone: 5 s)."""
    replace_grace_s: float = 10.0
    """How long streams may stay on a connection that a better one to the same peer has replaced."""
    close_timeout_s: float = 2.0
    """How long shutting down may take."""
    max_streams_per_connection: int = 128
    """Streams a peer may hold open towards us on one connection; more are reset."""
