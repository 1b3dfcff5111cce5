"""What a relay gives, and to whom how much of it; every number with its reason."""

import msgspec

from whatnext.relay.circuits import CircuitLimit

KIB, MIB = 1024, 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of one relay. Times are seconds, sizes bytes, rates per second; each holds also when nothing flows.

    An IP is one IPv4 address or one IPv6 /64, which is what one customer gets.
    """

    max_connections: int = 1024
    """Peers connected at once."""
    connections_per_ip: int = 64
    """From one address of the internet, of peers that neither wait nor talk here."""
    reservations: int = 512
    """Peers that wait here to be called."""
    reservations_per_ip: int = 16
    """A household, or a small office, behind one address."""
    reservation_ttl_s: int = 3600
    """The specification's recommendation. A reservation also ends with its connection."""
    circuits: int = 256
    """Open at once. One whose ends do not read holds 256 KiB each way, so this also bounds the memory."""
    circuits_per_peer: int = 32
    """One peer's, both those it made and those made to it: more friends than one playlist is likely to have."""
    circuits_per_ip: int = 64
    """Made from one address."""
    circuit_duration_s: int = 3600
    """After it the peers make a new one, or have found a direct path long since. js-libp2p gives 2 minutes."""
    circuit_bytes: int = 64 * MIB
    """Each way in one circuit: 140,000 edits of a playlist. js-libp2p gives 128 KiB."""
    circuit_rate: int = 1 * MIB
    """Bytes per second of one circuit, both ways together."""
    peer_rate: int = 2 * MIB
    """Bytes per second of all circuits that one peer made, or had made."""
    ip_rate: int = 4 * MIB
    """Bytes per second of all circuits made from one address."""
    total_rate: int = 8 * MIB
    """Bytes per second of the whole relay: 67 Mbit/s in and the same out."""
    handshake_s: float = 5.0
    """How long a peer may take to say what it wants, and the other side to answer a call."""
    handshakes_per_peer: int = 16
    """Requests of one peer that wait at once: a dialler of many friends has a few."""
    handshakes: int = 512
    """Requests that wait at once, over all peers: what slow-loris clients can occupy is small change."""
    requests_per_peer: float = 2.0
    """Requests per second that one peer may go on making."""
    requests_per_ip: float = 8.0
    """Likewise for one address."""
    calls_per_target: float = 2.0
    """Calls per second that one waiting peer may go on getting, so that nobody's phone is made to ring."""
    half_closed_s: float = 60.0
    """How long one direction may go on after the other has ended."""

    def of_circuit(self) -> CircuitLimit:
        """What a circuit is promised."""
        return CircuitLimit(self.circuit_duration_s, self.circuit_bytes)
