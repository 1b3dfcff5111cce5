"""Who plays which part in each try, and when to dial; pure.

When both sides dial at once the two connections may merge into one (TCP simultaneous open, RFC 9293 §3.5), so the
parts in the Noise handshake must be agreed on. The spec gives the side that was called through the relay, which starts
the punch, the part of the server. But where only *its* dial gets through, it ends at a listener that is a server too.
That is so when its own router changes ports, or the other's lets anybody in. So every other round it is the client;
then the merged connection is the one that fails.
"""

import enum

ROUND_S = 1.5
"""How long one round dials: beyond Linux's first retransmission of a lost SYN, after 1 s."""
_LATER_S = 0.05
AGAIN_S = (30.0, 150.0)
"""Pauses before a circuit is tried again: a device that was too busy to meet the other's knock is not any more, and a
router has forgotten an earlier connection of the same two ports (Linux keeps TIME_WAIT for 120 s)."""


class Part(enum.Enum):
    """What a dialled connection becomes in the Noise handshake."""

    CLIENT = "client"
    SERVER = "server"


def parts(keeps_ports: bool | None) -> list[Part]:
    """The parts of the side that starts the punch, in three rounds (the spec's number); the other is always the client.

    `keeps_ports`: whether our own router shows our port as it is, None when nobody could tell.
    """
    spec = [Part.SERVER, Part.CLIENT, Part.SERVER]
    return spec if keeps_ports is not False else [Part.CLIENT, Part.SERVER, Part.CLIENT]


def wait_before_dialling(round_trip_s: float) -> float:
    """Seconds between sending SYNC and dialling, for the side that starts the punch.

    The spec's half round trip, and a little: a SYN that comes too late finds the other's hole, one that comes too early
    finds a listener that is a server as well, and then both wait for the other to speak.
    """
    return round_trip_s / 2 + _LATER_S
