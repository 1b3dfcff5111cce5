"""Reservation vouchers: the relay's signed word that a peer may be called through it.

https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md#reservation-vouchers, a signed envelope (RFC 0002).
"""

import base58
from libp2p.peer.envelope import make_unsigned
from libp2p.peer.pb.crypto_pb2 import KeyType, PublicKey
from libp2p.peer.pb.envelope_pb2 import Envelope
from libp2p.relay.circuit_v2.pb.circuit_pb2 import Voucher

from whatnext.identity import Identity

DOMAIN = "libp2p-relay-rsvp"
PAYLOAD_TYPE = b"\x03\x02"


def voucher(relay: Identity, peer: str, expires: int) -> bytes:
    """Envelope over relay, peer and expiry (seconds since 1970), signed by the relay's key."""
    payload = Voucher(
        relay=base58.b58decode(relay.peer_id), peer=base58.b58decode(peer), expiration=expires
    ).SerializeToString()
    return Envelope(
        public_key=PublicKey(Type=KeyType.Ed25519, Data=relay.public_key),
        payload_type=PAYLOAD_TYPE,
        payload=payload,
        signature=relay.sign(make_unsigned(DOMAIN, PAYLOAD_TYPE, payload)),
    ).SerializeToString()
