import pytest

from whatnext.clock import HybridClock
from whatnext.store.database import MEMORY, Database
from whatnext.store.keeper import Keeper

ONE, OTHER = b"1" * 20, b"2" * 20


@pytest.fixture
def keeper():
    return Keeper(Database(MEMORY), HybridClock(lambda: 1_800_000_000_000))


def test_what_is_here_follows_every_change_of_state(keeper):
    table = keeper.playlists
    with keeper.commit(ONE):
        table.put(ONE, "joining", "whtnxt://…", 7)
        table.put(OTHER, "here", None, 6)
    assert table.ids("here", "joining") == [OTHER, ONE]
    with keeper.commit(ONE):
        table.arrived(ONE, 8)
    assert table.ids("joining") == []
    with keeper.commit(OTHER):
        table.set_state(OTHER, "left")
    assert table.ids("here", "joining") == [ONE]


def fail_to_put(keeper):
    with keeper.commit(ONE):
        keeper.playlists.put(ONE, "here", None, 7)
        assert keeper.playlists.ids("here") == [ONE]
        raise ZeroDivisionError


def test_a_playlist_whose_transaction_failed_is_not_here(keeper):
    with pytest.raises(ZeroDivisionError):
        fail_to_put(keeper)
    assert keeper.playlists.ids("here") == []
