"""When a database is gone on with and when a new log begins."""

from random import Random

import pytest

from whatnext.bench.device import Device, raw_id
from whatnext.bench.material import tracks
from whatnext.errors import StoreUnwritable
from whatnext.identity import Identity
from whatnext.records.codec import Write
from whatnext.store.database import FILE

IDENTITY = Identity(bytes(32))


def opened(tmp_path):
    return Device("kitchen", Random(1), tmp_path / FILE, IDENTITY)


@pytest.fixture
def closed_cleanly(tmp_path):
    """A playlist in a database that was closed; its id and epoch."""
    device = opened(tmp_path)
    playlist = device.create("Kitchen party")
    epoch = device.library.database.epoch
    device.close()
    return playlist, epoch


def test_after_a_clean_end_the_log_goes_on(tmp_path, closed_cleanly):
    _, epoch = closed_cleanly
    assert opened(tmp_path).library.database.epoch == epoch


def test_after_an_unclean_end_a_new_log_begins(tmp_path, closed_cleanly):
    playlist, epoch = closed_cleanly
    device = opened(tmp_path)
    device.add(playlist, [next(tracks())])
    device.library.database.connection.close()
    assert opened(tmp_path).library.database.epoch != epoch


def test_a_first_write_that_failed_does_not_make_an_unclean_end_look_clean(
    tmp_path, closed_cleanly, monkeypatch
):
    playlist, epoch = closed_cleanly
    device = opened(tmp_path)

    def refuse(*_):
        raise StoreUnwritable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(device.library._keeper, "keep", refuse)
        with pytest.raises(StoreUnwritable):
            device.library.write(raw_id(playlist), [Write("playlists", "", {"name": "Other"})])
    device.add(playlist, [next(tracks())])
    device.library.database.connection.close()
    assert opened(tmp_path).library.database.epoch != epoch
