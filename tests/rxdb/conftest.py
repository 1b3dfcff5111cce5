import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "playlists"))
sys.path.insert(0, str(Path(__file__).parent))

from playlist_devices import Circle
from rxdb_client import Client

from whatnext.rxdb.master import Master
from whatnext.rxdb.readers import Member, Profile


@pytest.fixture
def circle():
    return Circle()


@pytest.fixture
def own(circle):
    """The web UI of Ann's device."""
    return Client(Master(circle.ann.here), Profile(circle.ann.library))


@pytest.fixture
def remote(circle):
    """Makes RxDB peers of Ann's device: `remote("Bob")` is a member that cannot sign."""

    def make(name, role="editor", **more):
        friend = circle.friend(name, role)
        client = Client(Master(circle.ann.here), Member(circle.ann.library, friend.peer), **more)
        client.peer = friend.peer
        return client

    return make
