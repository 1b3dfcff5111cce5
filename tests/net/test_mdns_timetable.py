"""When a node speaks up on its own."""

from itertools import pairwise
from random import Random

from whatnext.net.mdns.timetable import ANNOUNCE_EVERY_S, Timetable


def spoken(timetable: Timetable, start: float, seconds: float) -> tuple[list[float], list[float]]:
    """Times of announcements and of questions."""
    announced, queried = [], []
    while (now := timetable.next()) <= start + seconds:
        if timetable.announce_due(now):
            announced.append(now - start)
        if timetable.query_due(now):
            queried.append(now - start)
    return announced, queried


def test_a_node_asks_three_times_in_the_first_seconds_and_then_hardly():
    _, queried = spoken(Timetable(100, Random(1)), 100, 600)
    assert 0.02 <= queried[0] <= 0.12
    assert [round(b - a, 6) for a, b in pairwise(queried[:3])] == [1, 3]
    assert 4 <= len(queried[3:]) <= 6


def test_announcements_are_repeated_often_enough_to_lose_two_in_a_row_within_the_ttl():
    announced, _ = spoken(Timetable(0, Random(1)), 0, 3600)
    gaps = [b - a for a, b in pairwise(announced)]
    assert max(gaps) * 3 < 120
    assert min(gaps) > ANNOUNCE_EVERY_S / 2
    assert len({round(gap, 3) for gap in gaps}) > 50  # nodes that started together drift apart


def test_after_a_change_of_network_it_announces_at_once_and_asks_again():
    timetable = Timetable(0, Random(1))
    spoken(timetable, 0, 300)
    timetable.hurry(300)
    announced, queried = spoken(timetable, 300, 10)
    assert announced[0] == 0
    assert len(queried) == 3
