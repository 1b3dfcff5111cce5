"""Takes the status page of a running relay."""

import time

import trio

from whatnext import __version__
from whatnext.relay.relay import Relay
from whatnext.relay.status import RelayStatus, Talking, Waiting


def status_of(relay: Relay) -> RelayStatus:
    """The page of a running relay, as it is now."""
    board, ledger, now = relay.switchboard, relay.ledger, trio.current_time()
    to_target, to_source = relay.carried()
    return RelayStatus(
        peer=relay.network.peer,
        version=__version__,
        addresses=relay.network.addresses(),
        at=time.time(),
        uptime_s=now - relay.started,
        draining=board.draining,
        access=board.access.mode,
        connections=len(relay.network.connections()),
        bytes_to_target=to_target,
        bytes_to_source=to_source,
        circuits_opened=ledger.circuits_opened,
        refusals={str(why): count for why, count in ledger.refusals.items() if count},
        endings={str(ending): count for ending, count in ledger.endings.items() if count},
        limits=board.limits,
        rendezvous_entries=len(relay.rendezvous.table),
        waiting=_waiting(relay, now),
        talking=_talking(relay, now),
    )


def _waiting(relay: Relay, now: float) -> list[Waiting]:
    board = relay.switchboard
    return [
        Waiting(
            peer=r.peer, origin=r.origin, expires_in_s=r.expires - now, circuits=board.circuits_of(r.peer)
        )
        for r in board.reservations.values()
    ]


def _talking(relay: Relay, now: float) -> list[Talking]:
    return [
        Talking(
            number=c.number,
            source=c.source,
            target=c.target,
            origin=c.origin,
            age_s=None if c.opened is None else now - c.opened,
            to_target=c.to_target,
            to_source=c.to_source,
        )
        for c in relay.switchboard.circuits.values()
    ]
