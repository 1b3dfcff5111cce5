import random
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playlist_devices import Circle

from whatnext.playlists import editing, nearby, placing, references
from whatnext.playlists.requests import MoveEntries
from whatnext.records import positions
from whatnext.records.codec import Write
from whatnext.store import listing

# Some in usual gaps, some equal, some long: of what a list may hold after years and peers that do odd things.
POSITIONS = [*(f"a{n}V" for n in range(1, 9)), "a5V1", "a6V" + "0" * 40 + "1", "a6W" + "z" * 90]


def _lists(least):
    drawn = st.sampled_from(POSITIONS)
    equal, different = (st.lists(drawn, min_size=least, max_size=12, unique=each) for each in (False, True))
    return equal | different


def _fill(circle, keys):
    entries = [circle.ann.here.new_id() for _ in keys]
    writes = [
        Write("entries", e, {"title": e, "position": key}) for e, key in zip(entries, keys, strict=True)
    ]
    circle.ann.library.write(circle.playlist, writes)
    return entries


def _moves(listed, asked, seed):
    places = references.entries(listed, asked.entries)
    index = editing._target(listed, places, asked)
    writes = placing.move(listed, places, index, random.Random(seed))
    return [listed[at][0] for at in places], writes


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_move_comes_out_the_same_whether_all_of_the_list_is_read_or_only_what_is_near(data):
    circle = Circle()
    entries = _fill(circle, data.draw(_lists(2)))
    target, *others = data.draw(st.permutations(entries))
    moved = others[: data.draw(st.integers(1, len(others)))]
    side = data.draw(st.sampled_from(["after", "before"]))
    asked = MoveEntries(playlist=circle.id, entries=moved, **{side: target})
    whole = references.order(circle.ann.here, circle.playlist)
    near = nearby.around(circle.ann.here, circle.playlist, target, moved)
    assert _moves(near, asked, 1) == _moves(whole, asked, 1)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_adding_comes_out_the_same_whether_all_of_the_list_is_read_or_only_what_is_near(data):
    circle = Circle()
    here, playlist = circle.ann.here, circle.playlist
    entries = _fill(circle, data.draw(_lists(1)))
    count = data.draw(st.sampled_from([1, 3, 50_000 if data.draw(st.integers(0, 20)) == 0 else 12]))
    whole = references.order(here, playlist)
    target = data.draw(st.sampled_from(entries))
    behind = [entry for entry, _ in whole].index(target) + 1
    near = nearby.around(here, playlist, target)
    for part, index, at in (
        (nearby.end(here, playlist, first=True), 0, 0),
        (last := nearby.end(here, playlist, first=False), len(last), len(whole)),
        (near, references.entry(near, target) + 1, behind),
    ):
        assert placing.insert(part, index, count, random.Random(2)) == placing.insert(
            whole, at, count, random.Random(2)
        )


@pytest.fixture
def unread(circle, monkeypatch):
    """A list whose order must not be read."""
    entries = circle.ann.add(circle.id, *map(str, range(100)))

    def refuse(here, found):
        raise AssertionError("the whole list was read")

    monkeypatch.setattr(references, "order", refuse)
    return entries


def test_entries_named_by_whole_ids_are_placed_and_removed_without_reading_the_list(circle, unread):
    ann, p = circle.ann, circle.id
    ann.do("playlist.move", playlist=p, entries=[unread[70], unread[4]], after=unread[10])
    ann.do("playlist.move", playlist=p, entries=[unread[99]], before=unread[0])
    ann.do("playlist.remove", playlist=p, entries=[unread[50], unread[1]])
    ann.add(p, "first", first=True)
    ann.add(p, "behind", after=unread[60])
    order = [entry.title for entry in ann.show(p).entries]
    assert order[:4] == ["first", "99", "0", "2"]
    assert order[order.index("10") + 1 :][:3] == ["4", "70", "11"]
    assert order[order.index("60") + 1] == "behind"
    assert not {"50", "1"} & set(order)


def test_what_is_near_is_found_in_the_index(circle):
    circle.ann.add(circle.id, *map(str, range(300)))
    connection = circle.ann.library.database.connection
    (place,) = listing.end_entry(connection, circle.playlist, first=True)
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    listing.around(connection, circle.playlist, place, 2)
    listing.entries(connection, circle.playlist, [place[0]])
    listing.end_entry(connection, circle.playlist, first=False)
    connection.set_trace_callback(None)
    plans = [_plan(connection, query) for query in seen]
    assert len(plans) == 4
    assert not [plan for plan in plans if "SCAN" in plan or "TEMP" in plan]


def test_a_run_of_fifty_thousand_beside_a_short_key_is_made_of_short_keys():
    key = "a" * (nearby._SHORT_POSITION - 1) + "V"
    for before, after in ((None, key), (key, None), (key, key[:-1] + "W"), (key[:-1] + "U1", key)):
        listed = [each for each in (before, after) if each is not None]
        _, respaced = positions.place(listed, 1 if before else 0, 50_000, random.Random(3))
        assert not respaced


def _plan(connection: sqlite3.Connection, query: str) -> str:
    return " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
