"""A later start and the first: what they say to each other, and whom the first does not listen to."""

import json
import socket
import stat
import threading
from contextlib import contextmanager

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from whatnext.config import ProfileLock
from whatnext.desktop import handover, instance
from whatnext.desktop.handover import Answer, Request
from whatnext.errors import NetworkError, ProfileBusy, ProtocolViolation

SECRET = "s" * 43


@given(st.binary(max_size=400))
def test_foreign_bytes_are_refused_and_nothing_else(data):
    with pytest.raises(ProtocolViolation):
        handover.read_request(data, SECRET)
    try:
        handover.read_answer(data)
    except ProtocolViolation:
        pass
    else:
        assert isinstance(json.loads(data), dict)


@given(st.none() | st.text(max_size=300))
def test_a_request_arrives_as_it_was(link):
    line = handover.encode(Request(secret=SECRET, link=link))
    assert line.count(b"\n") == 1
    assert handover.read_request(line, SECRET).link == link


@given(st.text(st.characters(exclude_categories=()), max_size=50).map(lambda text: text * 300))
def test_of_any_link_what_is_carried_fits_a_request(link):
    line = handover.encode(Request(secret=SECRET, link=handover.carried(link)))
    assert len(line) <= handover.MAX_LINE
    assert len(handover.read_request(line, SECRET).link) == min(len(link), handover.MAX_LINK)


@pytest.mark.parametrize("secret", ["", SECRET[:-1], SECRET + "s", "é" * 43])
def test_without_the_secret_a_request_is_refused(secret):
    with pytest.raises(ProtocolViolation, match="secret"):
        handover.read_request(handover.encode(Request(secret=secret)), SECRET)


class First:
    """The first desktop's socket, served in another thread."""

    def __init__(self, directory) -> None:
        self.directory = directory
        self.taken = []
        self.answer = Answer(where="window")

    async def handle(self, request: Request) -> Answer:
        self.taken.append(request.link)
        return self.answer

    @property
    def socket(self) -> dict:
        return json.loads((self.directory / instance.SOCKET_FILE).read_text())


@contextmanager
def running(directory):
    first = First(directory)
    served, stop = threading.Event(), []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            token = trio.lowlevel.current_trio_token()
            stop.append(lambda: token.run_sync_soon(nursery.cancel_scope.cancel))
            await nursery.start(instance.serve, directory, first.handle)
            served.set()

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    assert served.wait(10)
    try:
        yield first
    finally:
        stop[0]()
        thread.join(10)
        assert not thread.is_alive()


def test_a_later_start_hands_its_link_to_the_first_and_hears_where_it_is_shown(tmp_path):
    with ProfileLock(tmp_path, file=instance.LOCK_FILE), running(tmp_path) as first:
        assert stat.S_IMODE((tmp_path / instance.SOCKET_FILE).stat().st_mode) == 0o600
        with instance.first_or_handed_over(tmp_path, "whtnxt://connect/x") as answer:
            assert answer == first.answer
        with instance.first_or_handed_over(tmp_path, None) as answer:
            assert answer == first.answer
    assert first.taken == ["whtnxt://connect/x", None]
    assert not (tmp_path / instance.SOCKET_FILE).exists()


def test_who_comes_first_is_first_and_leaves_the_place_free(tmp_path):
    for _ in range(2):
        with instance.first_or_handed_over(tmp_path, None) as answer:
            assert answer is None
            with pytest.raises(ProfileBusy):
                ProfileLock(tmp_path, file=instance.LOCK_FILE).acquire()


def test_a_first_that_does_not_listen_is_said_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(instance, "TAKE_S", 0.1)
    with (
        ProfileLock(tmp_path, file=instance.LOCK_FILE),
        pytest.raises(ProfileBusy),
        instance.first_or_handed_over(tmp_path, None),
    ):
        pytest.fail("there were two")


def test_a_file_left_by_a_killed_desktop_misleads_nobody(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    (tmp_path / instance.SOCKET_FILE).write_text(json.dumps({"port": port, "secret": "x", "pid": 1}))
    assert instance.hand_over(tmp_path, None) is None
    with instance.first_or_handed_over(tmp_path, None) as answer:
        assert answer is None


def test_a_first_that_hangs_up_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (tmp_path / instance.SOCKET_FILE).write_text(json.dumps({"port": port, "secret": "x", "pid": 77}))

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(NetworkError, match="process 77"):
            instance.hand_over(tmp_path, None)
        thread.join(10)


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        handover.encode(Request(secret="guessed", link="whtnxt://join/x")),
        b"x" * (handover.MAX_LINE + 10) + b"\n",
    ],
)
def test_whoever_cannot_read_the_profile_is_hung_up_on(tmp_path, sent):
    with running(tmp_path) as first:
        with socket.create_connection(("127.0.0.1", first.socket["port"]), timeout=10) as stranger:
            stranger.sendall(sent)
            try:
                heard = stranger.recv(100)
            except ConnectionResetError:
                heard = b""
        assert heard == b""
        assert instance.hand_over(tmp_path, "still there") == first.answer
    assert first.taken == ["still there"]
