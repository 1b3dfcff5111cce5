"""Sessions fed with damaged conversations: whatever arrives, they answer or end; they never raise or hang."""

import random

import pytest
import trio
from device import Device
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whatnext.store import Change
from whatnext.sync.discipline import Discipline
from whatnext.sync.session import Greeting, Phase, Session


def conversation(seed: int) -> tuple[Device, Device, bytes, list[bytes]]:
    """Two devices, one playlist, and what the second one says to the first in an honest exchange, piece by piece."""
    anna, ben = Device("anna", seed), Device("ben", seed)
    playlist = anna.create(entries=3)
    ben.join(playlist, anna.invite(playlist))
    left = session(anna, ben)
    right = session(ben, anna)
    said = []
    for step in range(12):
        if step == 6:
            for number in range(4):
                change = ben.add(playlist, f"ben {number}")
                assert change.seq
            notify(right, playlist)
        to_right, to_left = left.data_to_send(step), right.data_to_send(step)
        if to_left:
            said.append(to_left)
        left.receive_data(to_left, step)
        right.receive_data(to_right, step)
        for each in (left, right):
            notify(each, playlist)
    assert "ben 3" in anna.titles(playlist)
    return anna, ben, playlist, said


def notify(which: Session, playlist: bytes) -> None:
    which.notify(Change(playlist, local=False, reset=False))


def session(own: Device, other: Device) -> Session:
    nonce = random.Random(f"{own.name}{other.name}").randbytes(16)
    return Session(own.library, other.peer, Greeting(own.name, "fuzz/1", nonce), 0.0, Discipline())


def survives(victim: Device, sender: Device, data: bytes, rng: random.Random) -> None:
    """Feed bytes in random pieces to a fresh session over the victim's library."""
    link = session(victim, sender)
    unsubscribe = victim.library.subscribe(link.notify)
    heads = {p: dict(victim.library.heads(p)) for p in victim.library.playlists()}
    at, now = 0, 0.0
    while at < len(data) and link.phase not in (Phase.CLOSING, Phase.CLOSED):
        step = rng.randrange(1, 600)
        link.receive_data(data[at : at + step], now)
        link.events()
        link.playlists()
        link.data_to_send(now)
        link.sent(now)
        at, now = at + step, now + 0.01
    link.tick(now + 100)
    link.data_to_send(now + 100)
    unsubscribe()
    for playlist, before in heads.items():
        after = victim.library.heads(playlist)
        assert all(log in after for log in before), "nothing that counted is lost"


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut out, doubled or inserted."""
    damaged = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at, length = rng.randrange(len(damaged)), rng.randrange(1, 40)
        act = rng.randrange(4)
        if act == 0:
            damaged[at] ^= 1 << rng.randrange(8)
        elif act == 1:
            del damaged[at : at + length]
        elif act == 2:
            damaged[at:at] = damaged[at : at + length]
        else:
            damaged[at:at] = rng.randbytes(length)
        if not damaged:
            return b"\0"
    return bytes(damaged)


@pytest.mark.parametrize("seed", range(8))
async def test_a_damaged_conversation_never_breaks_a_session(autojump_clock, seed):
    anna, ben, _, said = conversation(seed)
    rng = random.Random(seed)
    whole = b"".join(said)
    for _ in range(60):
        survives(anna, ben, mutated(whole, rng), rng)
        await trio.lowlevel.checkpoint()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
async def test_any_pieces_of_an_honest_conversation_in_any_order_are_survived(autojump_clock, data):
    anna, ben, _, said = conversation(1)
    order = data.draw(st.lists(st.integers(0, len(said) - 1), max_size=20))
    survives(anna, ben, b"".join(said[index] for index in order), random.Random(1))
