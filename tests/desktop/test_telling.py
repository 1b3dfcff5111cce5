"""Which deeds become notifications, and when: no bus, and a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from whatnext.desktop import words
from whatnext.desktop.telling import APART_S, LONGEST_S, MAX_SEPARATE, QUIET_S, Notice, Telling
from whatnext.node.notification_views import Deed

FRIDAY = "Friday, late"


def deed(
    count: int = 1, *, peer: str = "ben", name: str | None = "Ben", kind="added", playlist="fri", **more
) -> Deed:
    told = {"playlist_name": FRIDAY if playlist == "fri" else playlist, **more}
    return Deed(playlist=playlist, peer=peer, name=name, kind=kind, count=count, **told)


def told_after(*deeds: Deed, wait: float = QUIET_S) -> list[Notice]:
    telling = Telling()
    telling.heard(0, deeds)
    return telling.due(wait, watched=False)


def test_an_album_added_track_by_track_is_one_notification_once_it_is_quiet():
    telling = Telling()
    for second in range(12):
        telling.heard(second, [deed()])
        assert telling.due(second, watched=False) == []
    assert telling.wakes_at() == 11 + QUIET_S
    assert telling.due(11 + QUIET_S, watched=False) == [Notice("fri", FRIDAY, "Ben added 12 tracks")]
    assert telling.wakes_at() == float("inf")


def test_somebody_who_never_stops_is_told_of_after_a_while_and_then_once_a_minute():
    telling, told = Telling(), []
    for second in range(200):
        telling.heard(second, [deed()])
        told += [(second, notice.text) for notice in telling.due(second, watched=False)]
    assert told == [
        (LONGEST_S, "Ben added 31 tracks"),
        (LONGEST_S + APART_S, "Ben added 60 tracks"),
        (LONGEST_S + 2 * APART_S, "Ben added 60 tracks"),
    ]


def test_what_the_user_looks_at_is_not_told_and_not_told_later():
    telling = Telling()
    telling.heard(0, [deed()])
    assert telling.due(QUIET_S, watched=True) == []
    assert telling.wakes_at() == float("inf")
    telling.heard(QUIET_S + 1, [deed(2)])
    assert [notice.text for notice in telling.due(3 * QUIET_S, watched=False)] == ["Ben added 2 tracks"]


def test_what_was_done_while_notifications_are_off_is_not_told_when_they_are_on_again():
    telling = Telling()
    telling.heard(0, [deed()])
    telling.forget()
    assert telling.due(1000, watched=False) == []


def test_friends_who_do_things_together_are_told_of_together():
    anna = {"peer": "anna", "name": "Anna"}
    notices = told_after(deed(kind="joined", **anna), deed(3), deed(1, **anna), deed(playlist="Kitchen"))
    assert notices == [
        Notice("fri", FRIDAY, "Anna joined. Ben and Anna added 4 tracks"),
        Notice("Kitchen", "Kitchen", "Ben added a track"),
    ]


def test_a_week_away_is_one_notification():
    lists = [f"List {number}" for number in range(MAX_SEPARATE + 1)]
    separate = told_after(*(deed(playlist=each) for each in lists[1:]))
    assert [notice.title for notice in separate] == lists[1:]
    assert told_after(*(deed(playlist=each) for each in lists)) == [
        Notice(None, "News in 4 playlists", "List 0, List 1 and 2 more")
    ]


def test_two_devices_of_one_name_are_one_person():
    notices = told_after(deed(2, peer="phone"), deed(3, peer="laptop"), deed(kind="joined", peer="laptop"))
    assert [notice.text for notice in notices] == ["Ben joined. Ben added 5 tracks"]


def test_names_are_told_on_one_line_and_not_at_any_length():
    told = told_after(
        deed(name="B\x1b[31men\n\n" + "x" * 500, playlist_name="Fri\nday"),
        deed(peer="z", name=None, playlist_name="Fri\nday"),
    )
    assert told[0].title == "Fri day"
    assert told[0].text == "B[31men " + "x" * 31 + "… and Somebody added 2 tracks"


def test_many_names_are_counted():
    assert words.done(["A", "B", "C", "D"], {"A": 1_000, "B": 1, "C": 1}) == (
        "A, B and 2 others joined. A, B and C added 1,002 tracks"
    )
    assert words.around(0) == "No friend is connected"
    assert words.around(1) == "1 friend is connected"
    assert words.around(7) == "7 friends are connected"


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from(["a", "b", "c", "d", "e"]), st.integers(1, 9)),
        max_size=80,
    )
)
def test_every_deed_is_told_once_soon_and_no_playlist_twice_a_minute(happened):
    telling, now, told, last = Telling(), 0.0, 0, {}

    def tell_until(end: float) -> float:
        nonlocal now, told
        while telling.wakes_at() <= end:
            now = telling.wakes_at()
            notices = telling.due(now, watched=False)
            assert notices
            for notice in notices:
                assert now - last.get(notice.playlist, -APART_S) >= APART_S or notice.playlist is None
                last[notice.playlist] = now
                told += int(notice.text.split()[2]) if notice.playlist is not None else 0
        return end

    counted = 0
    for after, playlist, count in happened:
        now = tell_until(now + after)
        telling.heard(now, [deed(count + 1, playlist=playlist)])
        counted += count + 1
        assert telling.wakes_at() <= now + LONGEST_S + APART_S
    tell_until(10_000)
    assert told == counted or None in last  # a notification about several counts none
