import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playlist_devices import Circle, Device, Wall

from whatnext.errors import LimitExceeded, NotFound, UserError
from whatnext.playlists import editing
from whatnext.playlists.requests import AddTracks, TrackInput
from whatnext.records import ids
from whatnext.records.codec import Write


def test_tracks_are_added_at_the_end_at_the_beginning_and_behind_an_entry(circle):
    ann, p = circle.ann, circle.id
    ann.add(p, "c")
    ann.add(p, "d", "e")
    ann.add(p, "a", first=True)
    ann.add(p, "b", after="1")
    assert ann.titles(p) == ["a", "b", "c", "d", "e"]


def test_an_album_is_one_record_and_stays_whole_when_two_add_at_one_place(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, "first", "last")
    circle.meet(ann, bob)
    before = len(ann.library.records(circle.playlist))
    ann.add(circle.id, *(f"A{n}" for n in range(12)), after="1")
    assert len(ann.library.records(circle.playlist)) == before + 1
    bob.add(circle.id, *(f"B{n}" for n in range(12)), after="1")
    circle.meet(ann, bob)
    titles = ann.titles(circle.id)
    assert titles == bob.titles(circle.id)
    albums = "".join(title[0] for title in titles[1:-1])
    assert albums in ("A" * 12 + "B" * 12, "B" * 12 + "A" * 12)
    assert [t for t in titles if t[0] == "A"] == [f"A{n}" for n in range(12)]


def test_many_tracks_are_a_record_per_hundred_in_one_transaction(circle):
    ann = circle.ann
    told = []
    ann.library.subscribe(told.append)
    changed = ann.do(
        "playlist.add", playlist=circle.id, tracks=[TrackInput(title=f"T{n}") for n in range(1050)]
    )
    assert len(told) == 1
    records = ann.library.records(circle.playlist)[1:]
    assert [len(record.body.writes) for record in records] == [100] * 10 + [50]
    assert changed.record == records[-1].hash.hex()
    assert changed.notes == [
        "kept as 11 changes: undo takes back added tracks together, all else one change at a time"
    ]
    assert ann.titles(circle.id) == [f"T{n}" for n in range(1050)]


def test_an_ordinary_add_costs_at_most_450_bytes_and_a_move_less(circle):
    circle.ann.add(circle.id, "x", "y", "z")
    track = TrackInput(
        title="Bohemian Rhapsody", artists=["Queen"], album="A Night at the Opera", duration_ms=354947
    )
    circle.ann.do("playlist.add", playlist=circle.id, tracks=[track])
    added = circle.ann.library.records(circle.playlist)[-1]
    circle.ann.do("playlist.move", playlist=circle.id, entries=["4"], to=1)
    moved = circle.ann.library.records(circle.playlist)[-1]
    print("add", added.size, "move", moved.size)
    assert added.body.writes[0].fields.keys() == {"position", "title", "artists", "album", "durationMs"}
    assert added.size <= 400  # framing and the acknowledgement come on top
    assert [(len(w.fields), *w.fields) for w in moved.body.writes] == [(1, "position")]
    assert moved.size < added.size


def test_an_edit_writes_only_what_changes(circle):
    circle.ann.add(circle.id, "Yesterday")
    edit = {"playlist": circle.id, "entry": "1"}
    circle.ann.do("playlist.edit", **edit, title="Yesterday", artists=["The Beatles"], isrc="gb-ayc-65-00512")
    written = circle.ann.library.records(circle.playlist)[-1].body.writes
    assert [w.fields for w in written] == [{"artists": ["The Beatles"], "isrc": "GBAYC6500512"}]
    assert circle.ann.do("playlist.edit", **edit, isrc="GBAYC6500512").record is None
    circle.ann.do("playlist.edit", **edit, isrc=None)
    assert circle.ann.show(circle.id).entries[0].isrc is None
    with pytest.raises(UserError, match="nothing to change"):
        circle.ann.do("playlist.edit", **edit)


def test_two_edits_of_different_fields_at_once_both_stay(circle):
    ann, bob = circle.ann, circle.friend("Bob")
    ann.add(circle.id, "Yesterdy")
    circle.meet(ann, bob)
    ann.do("playlist.edit", playlist=circle.id, entry="1", title="Yesterday")
    bob.do("playlist.edit", playlist=circle.id, entry="1", album="Help!")
    circle.meet(ann, bob)
    entry = ann.show(circle.id).entries[0]
    assert (entry.title, entry.album) == ("Yesterday", "Help!")


def test_moves_of_one_track_at_once_leave_one_track_at_one_of_the_places(circle):
    ann, bob, cleo = circle.ann, circle.friend("Bob"), circle.friend("Cleo")
    ann.add(circle.id, *"abcdef")
    circle.meet(ann, bob, cleo)
    for device, place in ((ann, 1), (bob, 6), (cleo, 4)):
        device.do("playlist.move", playlist=circle.id, entries=["3"], to=place)
    circle.meet(ann, bob, cleo)
    assert ann.titles(circle.id) == bob.titles(circle.id) == cleo.titles(circle.id)
    assert sorted(ann.titles(circle.id)) == list("abcdef")
    assert ann.titles(circle.id).index("c") in (0, 3, 5)


def test_several_moved_entries_keep_their_order_however_they_are_named(circle):
    circle.ann.add(circle.id, *"abcdefg")
    circle.ann.do("playlist.move", playlist=circle.id, entries=["6", "2", "4", "2"], after="7")
    assert circle.ann.titles(circle.id) == list("acegbdf")


def test_a_move_to_where_it_stands_is_no_change(circle):
    circle.ann.add(circle.id, *"abc")
    for where in ({"to": 2}, {"after": "1"}, {"before": "3"}):
        assert circle.ann.do("playlist.move", playlist=circle.id, entries=["2"], **where).record is None


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({}, "give one of"),
        ({"to": 1, "after": "2"}, "give one of"),
        ({"to": 0}, "from 1 to 3"),
        ({"to": 4}, "from 1 to 3"),
        ({"after": "1"}, "next to itself"),
        ({"before": "9"}, "there is no entry 9: the playlist has 3"),
    ],
)
def test_a_move_to_no_place_says_which_places_there_are(circle, where, said):
    circle.ann.add(circle.id, *"abc")
    with pytest.raises(UserError, match=said):
        circle.ann.do("playlist.move", playlist=circle.id, entries=["1"], **where)
    assert circle.ann.titles(circle.id) == list("abc")


def test_thousands_of_moves_into_one_gap_keep_positions_short(circle):
    ann = circle.ann
    ann.add(circle.id, *"abcd")
    for _ in range(1500):
        ann.do("playlist.move", playlist=circle.id, entries=["4"], to=2)
    entries = ann.show(circle.id).entries
    assert max(len(entry.position) for entry in entries) <= 64
    # Each move turned the last three round by one; 1500 is a multiple of three.
    assert [entry.title for entry in entries] == list("abcd")


def test_long_positions_are_made_short_in_the_record_that_met_them(circle):
    ann = circle.ann
    ann.add(circle.id, *"abc")
    entries = [entry.id for entry in ann.show(circle.id).entries]
    long = {entries[0]: "b" + "1" * 127, entries[1]: "b" + "1" * 126 + "2"}
    ann.library.write(circle.playlist, [Write("entries", e, {"position": p}) for e, p in long.items()])
    assert ann.titles(circle.id) == list("cab")
    ann.do("playlist.move", playlist=circle.id, entries=["1"], to=2)
    assert ann.titles(circle.id) == list("acb")
    assert max(len(entry.position) for entry in ann.show(circle.id).entries) <= 64
    assert len(ann.library.records(circle.playlist)) == 4
    assert ann.told(circle.id)[0] == "moved “c” to 2"


def test_adding_behind_a_long_position_makes_it_short_and_keeps_the_order(circle):
    ann = circle.ann
    ann.add(circle.id, *"abc")
    last = ann.show(circle.id).entries[-1].id
    ann.library.write(circle.playlist, [Write("entries", last, {"position": "z" * 128})])
    ann.add(circle.id, "d")
    ann.add(circle.id, "e", "f")
    assert ann.titles(circle.id) == list("abcdef")
    assert max(len(entry.position) for entry in ann.show(circle.id).entries) <= 64


def test_removed_tracks_are_gone_from_the_list_and_numbers_close_up(circle):
    circle.ann.add(circle.id, *"abcd")
    circle.ann.do("playlist.remove", playlist=circle.id, entries=["2", "4"])
    assert circle.ann.titles(circle.id) == list("ac")
    circle.ann.do("playlist.remove", playlist=circle.id, entries=["2"])
    assert circle.ann.titles(circle.id) == ["a"]


@pytest.mark.parametrize(
    ("track", "error", "said"),
    [
        ({"title": " \n "}, UserError, "the title is empty"),
        ({"title": "x" * 501}, LimitExceeded, "the title has 501 characters; at most 500"),
        ({"title": "x", "artists": ["y" * 501]}, LimitExceeded, "one of the artists has 501"),
        (
            {"title": "x", "artists": [str(n) for n in range(201)]},
            LimitExceeded,
            "the artists are 201; at most 200",
        ),
        ({"title": "x", "isrc": "nonsense"}, UserError, "'nonsense' is no ISRC"),
        ({"title": "x", "mbid": "nonsense"}, UserError, "no MusicBrainz recording id"),
        ({"title": "x", "duration_ms": -1}, UserError, "-1 is no duration"),
        ({"title": "x", "links": ["h" * 4097]}, LimitExceeded, "a link has 4097 characters"),
        ({"title": "x", "note": "ä" * 32769}, LimitExceeded, "the note has 65,538 bytes; at most 65,536"),
    ],
)
def test_a_track_over_a_limit_is_refused_with_the_limit_and_nothing_is_added(circle, track, error, said):
    with pytest.raises(error, match=said):
        circle.ann.do(
            "playlist.add", playlist=circle.id, tracks=[TrackInput(title="fine"), TrackInput(**track)]
        )
    assert circle.ann.titles(circle.id) == []


def test_a_value_at_its_limit_is_kept(circle):
    circle.ann.add(circle.id, "x" * 500)
    circle.ann.do("playlist.edit", playlist=circle.id, entry="1", note="n" * 65536)
    assert len(circle.ann.show(circle.id).entries[0].note) == 65536


def test_a_full_playlist_refuses_another_track(circle, monkeypatch):
    monkeypatch.setattr("whatnext.records.schema.MAX_ENTRIES", 3)
    circle.ann.add(circle.id, *"ab")
    with pytest.raises(LimitExceeded, match="at most 3 entries"):
        circle.ann.add(circle.id, *"cd")
    circle.ann.add(circle.id, "c")
    assert circle.ann.titles(circle.id) == list("abc")


def test_control_characters_in_titles_become_spaces(circle):
    track = TrackInput(title="a\x1b[31mb\nc\udcff")  # the last is what a shell's invalid UTF-8 becomes
    editing.add(circle.ann.here, AddTracks(playlist=circle.id, tracks=[track]))
    assert circle.ann.titles(circle.id) == ["a [31mb c"]


def test_an_entry_whose_adding_does_not_count_is_no_track(circle):
    circle.ann.add(circle.id, "a")
    circle.ann.library.write(circle.playlist, [Write("entries", ids.to_text(bytes(10)), {"position": "a0V"})])
    circle.ann.library.write(circle.playlist, [Write("entries", ids.to_text(bytes(5) * 2), {"note": "hm"})])
    assert circle.ann.titles(circle.id) == ["a"]
    assert circle.ann.do("playlist.list")[0].entries == 1
    with pytest.raises(NotFound):
        circle.ann.do("playlist.remove", playlist=circle.id, entries=["2"])


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["add", "first", "after", "remove", "to", "behind", "before", "undo"]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 4),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(WORDS)
def test_a_playlist_changes_as_a_python_list_would(script):
    device, model, done, fresh = Device("Ann", 1, Wall()), [], [], 0
    p = device.do("playlist.create", name="x").id
    for verb, at, to, count in script:
        n = len(model)
        was = list(model)
        named = sorted({(at + step) % n for step in range(count)}) if n else []
        others = [t for i, t in enumerate(model) if i not in named]
        moved = [model[i] for i in named]
        move = {"playlist": p, "entries": [str(i + 1) for i in named]}
        if verb in ("add", "first") or (verb == "after" and n):
            new = [f"T{fresh + step}" for step in range(count)]
            fresh += count
            where = {"add": {}, "first": {"first": True}, "after": {"after": str(at % n + 1) if n else None}}[
                verb
            ]
            device.add(p, *new, **where)
            index = {"add": n, "first": 0, "after": at % n + 1 if n else 0}[verb]
            model[index:index] = new
        elif verb == "remove" and n:
            device.do("playlist.remove", **move)
            model = others
        elif verb == "to" and n:
            index = to % (len(others) + 1)
            device.do("playlist.move", **move, to=index + 1)
            model = [*others[:index], *moved, *others[index:]]
        elif verb in ("behind", "before") and others:
            mate = others[to % len(others)]
            side = "after" if verb == "behind" else "before"
            device.do("playlist.move", **move, **{side: str(model.index(mate) + 1)})
            index = others.index(mate) + (verb == "behind")
            model = [*others[:index], *moved, *others[index:]]
        elif verb == "undo" and done:
            device.do("playlist.undo", playlist=p)
            model = done.pop()
            was = model
        if model != was:
            done.append(was)
        assert device.titles(p) == model


def test_two_devices_that_do_anything_apart_show_the_same_bytes_after_meeting():
    for seed in range(12):
        rng = random.Random(seed)
        circle = Circle()
        devices = [circle.ann, circle.friend("Bob"), circle.friend("Cleo")]
        circle.ann.add(circle.id, *(f"T{n}" for n in range(8)))
        circle.meet(*devices)
        for _ in range(6):
            for device in devices:
                for _ in range(rng.randrange(4)):
                    anything(device, circle.id, rng)
            circle.meet(*rng.sample(devices, 2))
        circle.meet(*devices)
        shown = {device.bytes(circle.id) for device in devices}
        assert len(shown) == 1
        assert len({msg for d in devices for msg in [tuple(d.told(circle.id))]}) == 1


def anything(device, playlist, rng):
    count = len(device.titles(playlist))
    pick = str(rng.randrange(count) + 1) if count else None
    act = rng.randrange(7)
    if act == 0 or not count:
        device.add(playlist, f"N{rng.randrange(10**6)}", first=rng.random() < 0.3)
    elif act == 1:
        device.do("playlist.move", playlist=playlist, entries=[pick], to=rng.randrange(count) + 1)
    elif act == 2:
        device.do("playlist.remove", playlist=playlist, entries=[pick])
    elif act == 3:
        device.do("playlist.vote", playlist=playlist, entry=pick, value=rng.choice([-1, 0, 1]))
    elif act == 4:
        device.do("playlist.comment", playlist=playlist, entry=rng.choice([pick, None]), text="hm")
    elif act == 5:
        device.do("playlist.edit", playlist=playlist, entry=pick, title=f"E{rng.randrange(10**6)}")
    else:
        try:
            device.do("playlist.undo", playlist=playlist)
        except (NotFound, UserError):
            device.do("playlist.rename", playlist=playlist, name=f"R{rng.randrange(10**6)}")
