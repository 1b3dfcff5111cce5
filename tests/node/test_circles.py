"""Who may learn where whom is: members of one playlist, as this device knows them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "playlists"))

from playlist_devices import Circle

from whatnext.identity import Identity
from whatnext.node.circles import LAZY_S, Circles

STRANGER = Identity.generate().peer_id


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def friends():
    """Ann's playlist, and her device with Bob and Cleo in it."""
    circle = Circle()
    return circle, circle.friend("Bob"), circle.friend("Cleo")


def peers(*devices):
    return [device.library.identity.peer_id for device in devices]


def test_members_of_one_playlist_may_know_of_each_other_and_nobody_else(friends, clock):
    circle, bob, cleo = friends
    circles = Circles(circle.ann.library, clock)
    b, c = peers(bob, cleo)
    assert circles.may_know(b, c)
    assert not circles.may_know(STRANGER, c)
    assert not circles.may_know(b, STRANGER)
    assert circles.around(c, [STRANGER, b, c, b]) == [b]
    assert circles.around(STRANGER, [b, c]) == []


def test_two_that_share_no_playlist_with_each_other_do_not_though_both_share_one_with_us(friends, clock):
    circle, bob, _ = friends
    other = circle.ann.do("playlist.create", name="Other").id
    dan = circle.device("Dan")
    dan.do("join", link=circle.ann.do("invite.create", playlist=other).link)
    for playlist, admission in dan.library.joining():
        circle.ann.library.receive(playlist, [admission])
    circles = Circles(circle.ann.library, clock)
    assert circles.may_know(*peers(circle.ann, dan))
    assert not circles.may_know(*peers(bob, dan))


def test_who_is_removed_is_told_nothing_a_moment_later(friends, clock):
    circle, bob, cleo = friends
    circles = Circles(circle.ann.library, clock)
    circle.ann.library.subscribe(circles.on_change)
    b, c = peers(bob, cleo)
    assert circles.may_know(b, c)
    circle.ann.do("members.remove", playlist=circle.id, peer=b)
    assert circles.may_know(b, c)  # what changes with every edit is not looked at with every question
    clock.now += LAZY_S
    assert not circles.may_know(b, c)
    assert circles.around(c, [b]) == []


def test_a_playlist_that_we_were_removed_from_makes_nobody_known(friends, clock):
    circle, bob, cleo = friends
    circle.ann.do("members.remove", playlist=circle.id, peer=peers(bob)[0])
    circle.meet(circle.ann, bob)
    circles = Circles(bob.library, clock)
    assert not circles.may_know(*peers(circle.ann, cleo))
