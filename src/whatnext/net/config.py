"""What a user may set about the network, with the reason for each number."""

import msgspec


class PerIp(msgspec.Struct, frozen=True, kw_only=True):
    """What one IP address may cost; an IPv6 network of 64 bits counts as one address."""

    connections: int
    """Inbound connections of peers that are no members, at once."""
    handshakes: int
    """Handshakes under way."""
    rate_per_s: float
    """New inbound connections a second, in the long run."""
    burst: int
    """New inbound connections at once."""


class NetConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one network; every time is in seconds."""

    listen: tuple[str, ...] = ("/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/tcp/0/ws")
    """Multiaddrs to listen on. TCP and WebSocket need two ports: py-libp2p's shared port turns js-libp2p away."""
    announce: tuple[str, ...] = ()
    """Multiaddrs told to others instead of our own: where a forwarded port is. Empty: those we listen on."""
    webrtc_certificate: bytes = b""
    """Key and certificate as PEM, see `webrtc_certificate`; its hash is in the address. Empty: a new one each time."""
    upnp: bool = False
    """Ask the router to forward our ports."""
    max_connections: int = 64
    """Connections of both directions together (design §8)."""
    high_watermark: float = 0.9
    """Share of the maximum above which connections are pruned, so that a newcomer mostly finds a place."""
    low_watermark: float = 0.75
    """Share of the maximum down to which they are."""
    prune_every_s: float = 5.0
    """Pause between two looks at the watermarks."""
    prune_grace_s: float = 20.0
    """Age below which a connection is not pruned: the first sync of a large playlist takes less."""
    max_connections_per_peer: int = 4
    """Two that dial each other at once, and a relayed connection beside a direct one, need no more."""
    max_unread: int = 64 * 1024 * 1024
    """Bytes of all connections that nobody here has read yet; above, those that hold the most are closed."""
    max_handshakes: int = 128
    """Strangers proving who they are at once; each holds a socket for at most `handshake_timeout_s`."""
    per_ip: PerIp = PerIp(connections=16, handshakes=16, rate_per_s=2.0, burst=64)
    """An address of the internet: thirty devices of a school may come back at once by two transports each."""
    per_near_ip: PerIp = PerIp(connections=64, handshakes=112, rate_per_s=50.0, burst=500)
    """This device and its network: a proxy or a virtual machine's NAT may stand for everybody. A visit costs 5.4 ms of
    processor (`tests/net/measure_admission.py`), so the rate is a quarter of one core; 16 handshakes are left for all
    others."""
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
    stream_rate_per_s: float = 100.0
    """Streams a peer may open on one connection in the long run; our own protocols open one every few seconds."""
    stream_burst: int = 1000
    """Streams a peer may open at once. A faster one is flooding, and its connection is closed."""
