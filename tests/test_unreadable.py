"""Bytes that are no message, and text that is no UTF-8, end in our own errors wherever they come from."""

import msgspec
import pytest

from whatnext.cli import log_reading
from whatnext.config import SETTINGS_FILE, Settings
from whatnext.desktop import handover, instance
from whatnext.errors import UNREADABLE, LocalError, ProtocolViolation, UserError
from whatnext.node import ports, state_file
from whatnext.node.api.access import Access
from whatnext.node.api.app import App
from whatnext.node.api.endpoint import Endpoint
from whatnext.node.api.feed import Feed
from whatnext.playlists.requests import Nothing
from whatnext.relay import config as relay_config
from whatnext.relay import status as relay_status

DEEP = b'{"zz":' + b"[" * 20_000
KEYS = (b"secret", b"where", b"name", b"url", b"tcp", b"event")
FOREIGN = b"{" + b",".join(b'"%s":"\xff"' % key for key in KEYS) + b"}"
BAD = [FOREIGN, DEEP, b"\xff", b"{", b""]


@pytest.mark.parametrize("content", [b'{"a":"\xff"}', DEEP, b"{"])
def test_these_are_what_msgspec_raises(content):
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(content)


@pytest.mark.parametrize("content", BAD)
@pytest.mark.parametrize(
    ("file", "read"),
    [
        (state_file.FILE, state_file.read),
        (ports.FILE, ports.kept),
        (instance.SOCKET_FILE, instance._socket_of),
        (relay_status.FILE, relay_status.read_word),
    ],
)
def test_a_damaged_file_that_only_helps_counts_as_missing(tmp_path, file, read, content):
    (tmp_path / file).write_bytes(content)
    assert read(tmp_path) is None


@pytest.mark.parametrize("content", [each for each in BAD if each])
def test_damaged_settings_are_named_in_a_sentence(tmp_path, content):
    (tmp_path / SETTINGS_FILE).write_bytes(content)
    with pytest.raises(LocalError, match=f"{SETTINGS_FILE} is damaged"):
        Settings(tmp_path)


def test_a_relays_configuration_in_another_encoding_is_named_in_a_sentence(tmp_path):
    file = tmp_path / "relay.toml"
    file.write_bytes(b'[access]\nmode = "\xfcber"\n')
    with pytest.raises(UserError, match=r"relay\.toml"):
        relay_config.read_config(file)


@pytest.mark.parametrize("line", BAD)
def test_whoever_says_rubbish_to_the_desktop_is_hung_up_on(line):
    """Any program on the machine may connect: it must not be able to end the desktop."""
    with pytest.raises(ProtocolViolation):
        handover.read_request(line, "secret")
    with pytest.raises(ProtocolViolation):
        handover.read_answer(line)


@pytest.mark.parametrize("raw", BAD)
def test_a_torn_line_of_the_log_is_shown_as_it_is(raw):
    assert log_reading.parse(raw).raw == raw


@pytest.mark.parametrize("body", [b'{"a":"\xff"}', DEEP, b"{"])
async def test_a_body_that_cannot_be_read_is_the_callers_mistake(library, body):
    async def run(_: object) -> object:
        raise AssertionError("it was read")

    endpoint = Endpoint(name="x.y", summary="", request=Nothing, response=Nothing, run=run)
    app = App({"x.y": endpoint}, Access(1, lambda: 0.0), Feed(library))
    with pytest.raises(UserError, match=r"x\.y: "):
        await app._perform("x.y", body, None)


@pytest.fixture
def library():
    from whatnext.clock import HybridClock
    from whatnext.identity import Identity
    from whatnext.store import Library

    opened = Library(Identity(bytes(32)), HybridClock(lambda: 0), ":memory:")
    yield opened
    opened.close()
