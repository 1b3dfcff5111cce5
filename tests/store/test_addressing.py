"""What the address book keeps of each address, and what it lets go of."""

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from whatnext.store import addressing, schema
from whatnext.store.addressing import DAY_MS, MAX_ADDRESSES, TOLD_AGE_MS, WORKED_AGE_MS, Entry
from whatnext.store.database import Database
from whatnext.store.peers import AddressBook

ENTRIES = st.lists(
    st.builds(
        Entry,
        st.sampled_from([f"/ip4/192.0.2.{host}/tcp/{port}" for host in range(3) for port in range(4)]),
        st.integers(0, 100 * DAY_MS),
        st.none() | st.integers(0, 100 * DAY_MS),
        st.none() | st.integers(0, 100 * DAY_MS),
    ),
    unique_by=lambda entry: entry.address,
    max_size=12,
)
ADDRESSES = st.lists(st.sampled_from([f"/ip4/192.0.2.{h}/tcp/{p}" for h in range(3) for p in range(4)]))


def names(entries):
    return [entry.address for entry in entries]


def test_what_worked_is_kept_for_a_season_and_what_was_told_for_two_weeks():
    worked, told = Entry("/w", 0, 0), Entry("/t", 0)
    assert names(addressing.settle([told, worked], TOLD_AGE_MS - 1)) == ["/w", "/t"]
    assert names(addressing.settle([told, worked], TOLD_AGE_MS)) == ["/w"]
    assert addressing.settle([told, worked], WORKED_AGE_MS) == []
    again = addressing.told([worked], ["/w"], WORKED_AGE_MS)
    assert names(again) == ["/w"], "told again, it lives on"


def test_the_newest_success_comes_first():
    entries = addressing.tried([], ["/a"], [], 1)
    entries = addressing.tried(entries, ["/b"], [], 2)
    assert names(addressing.told(entries, ["/c"], 3)) == ["/b", "/a", "/c"]


def test_a_failure_is_remembered_from_its_beginning_until_the_next_success():
    entries = addressing.tried([], ["/a"], [], 1)
    entries = addressing.tried(entries, [], ["/a", "/unknown"], 2)
    entries = addressing.tried(entries, [], ["/a"], 3)
    assert entries == [Entry("/a", 1, 1, failing_since=2)]
    assert addressing.tried(entries, ["/a"], [], 4) == [Entry("/a", 4, 4)]


def test_a_new_port_takes_the_place_of_the_old_one_on_the_same_host_and_transport():
    old = ["/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2/ws", "/ip4/198.51.100.1/tcp/1"]
    entries = addressing.tried([], old, [], 1)
    entries = addressing.announced(entries, ["/ip4/192.0.2.1/tcp/9"], 2)
    assert set(names(entries)) == {"/ip4/192.0.2.1/tcp/9", old[1], old[2]}


def test_a_forwarded_port_that_works_now_is_not_superseded_by_what_the_peer_believes():
    entries = addressing.tried([], ["/ip4/192.0.2.1/tcp/1"], [], 5)
    entries = addressing.announced(entries, ["/ip4/192.0.2.1/tcp/9"], 5)
    assert set(names(entries)) == {"/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/9"}


@given(ENTRIES, ADDRESSES, ADDRESSES, st.integers(0, 200 * DAY_MS))
def test_the_book_stays_ordered_bounded_and_without_doubles(entries, worked, others, now):
    for after in (
        addressing.tried(entries, worked, others, now),
        addressing.told(entries, others, now),
        addressing.announced(entries, others, now),
    ):
        assert len(set(names(after))) == len(after) <= MAX_ADDRESSES
        assert not any(addressing.is_stale(entry, now) for entry in after)
        successes = [entry.worked for entry in after if entry.worked is not None]
        assert successes == sorted(successes, reverse=True)
        assert [entry.worked is None for entry in after] == sorted(entry.worked is None for entry in after)
    assert set(worked) <= set(names(addressing.tried(entries, worked, others, now)))


def test_a_database_of_the_second_version_keeps_its_addresses(tmp_path):
    old = sqlite3.connect(tmp_path / "w.db")
    for migration in schema.MIGRATIONS[:2]:
        old.executescript(migration)
    old.execute("INSERT INTO peers VALUES ('B', 'Ben', '[\"/a\", \"/b\"]', 7)")
    old.execute("INSERT INTO peers VALUES ('C', NULL, '[]', NULL)")
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    old.execute("PRAGMA user_version = 2")
    old.commit()
    old.close()

    database = Database(tmp_path / "w.db")
    book = AddressBook(database)
    assert book.addresses("B") == ["/a", "/b"]
    assert [entry.worked for entry in book.get("B").entries] == [None, None]
    assert book.addresses("C") == []
    database.close()
