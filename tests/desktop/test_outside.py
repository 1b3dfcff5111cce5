"""Notifications and the tray on a real session bus: what is shown there, what a click does, and how it ends."""

import sys

import msgspec
import pytest
import trio

from whatnext.desktop import event_stream, node_client
from whatnext.desktop.notifier import Notifier
from whatnext.desktop.outside import Outside
from whatnext.desktop.session_bus import BusGone, bus_address, open_session_bus
from whatnext.desktop.telling import Notice
from whatnext.errors import ConnectionLost, LocalError
from whatnext.node.notification_views import Deed, GlanceView
from whatnext.node.state_file import NodeFile

from .bus import Shell, session_bus, why_no_bus

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(why_no_bus() is not None, reason=str(why_no_bus())),
    pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is Linux'"),
]
NODE = NodeFile(url="http://127.0.0.1:1", token="t", pid=0, peer="p", started=0)
DEED = Deed(playlist="abc", playlist_name="Friday, late", peer="b", name="Ben", kind="added", count=12)


@pytest.fixture
def bus():
    with session_bus() as (address, daemon):
        yield address, daemon


@pytest.fixture
async def shell(bus, nursery):
    made = Shell("actions", "body", "body-markup")
    await nursery.start(made.run, bus[0])
    return made


class Outdoors:
    """An `Outside` with a node of the test: what it is asked, and what it answers with."""

    def __init__(self, monkeypatch) -> None:
        self.opened, self.left, self.asked = [], trio.Event(), []
        self.told = {"around": 1, "watched": False, "notify": True}
        self.deeds: list[Deed] = []
        self.on_event = None
        self.came, self.moved = trio.Event(), trio.Event()
        monkeypatch.setattr(event_stream, "follow", self._follow)
        monkeypatch.setattr(node_client, "glance", self._glance)
        monkeypatch.setattr(node_client, "set_notifications", self._set)
        monkeypatch.setattr("whatnext.desktop.telling.QUIET_S", 0.01)
        monkeypatch.setattr("whatnext.desktop.outside.ASK_APART_S", 0.01)
        self.outside = Outside(self._node, self._open, self.left.set)

    async def _node(self) -> NodeFile:
        return NODE

    async def _follow(self, node, on_event) -> None:
        self.on_event = on_event
        on_event("ready", b'{"feed":1}')
        self.came.set()
        await trio.sleep_forever()

    async def _glance(self, node, after) -> GlanceView:
        self.asked.append(after)
        deeds, self.deeds = (self.deeds, []) if after is not None else ([], self.deeds)
        return GlanceView(upto=7, more=False, deeds=deeds, **self.told)

    async def _set(self, node, *, on: bool) -> None:
        self.told["notify"] = on

    async def _open(self, place: str) -> None:
        self.opened.append(place)
        self.moved.set()
        self.moved = trio.Event()

    async def happens(self, *deeds: Deed, data: bytes = b'{"local":false}') -> None:
        await self.until(lambda: None in self.asked)
        self.deeds += deeds
        self.on_event("change", data)

    async def until(self, condition) -> None:
        with trio.fail_after(10):
            while not condition():  # noqa: ASYNC110 - of a real bus
                await trio.sleep(0.01)


@pytest.fixture
async def outdoors(bus, shell, nursery, monkeypatch):
    made = Outdoors(monkeypatch)
    nursery.start_soon(made.outside.run, bus[0])
    await made.came.wait()
    await shell.until(lambda: shell.items)
    return made


async def test_what_a_friend_does_is_shown_and_a_click_opens_that_playlist(outdoors, shell):
    await outdoors.happens(DEED)
    await shell.until(lambda: shell.shown)
    told = shell.shown[0]
    assert (told["app"], told["title"], told["text"]) == ("WhatNext", "Friday, late", "Ben added 12 tracks")
    assert told["icon"].startswith("file:///")
    await shell.click_notification(77)  # another program's
    await shell.say_less_than_it_should()
    await shell.click_notification(1)
    await outdoors.until(lambda: outdoors.opened)
    assert outdoors.opened == ["#/playlist/abc"]
    assert "1 friend is connected" in await shell.labels()


async def test_own_changes_ask_nobody(outdoors, shell):
    await outdoors.happens(DEED, data=b'{"local":true}')
    before = list(outdoors.asked)
    await trio.sleep(0.1)
    assert outdoors.asked == before
    assert shell.shown == []


async def test_nothing_is_shown_while_a_page_is_looked_at_or_notifications_are_off(outdoors, shell):
    for quiet in ({"watched": True}, {"watched": False, "notify": False}):
        outdoors.told |= quiet
        await outdoors.happens(DEED)
        await outdoors.until(lambda: not outdoors.deeds and outdoors.outside._telling.wakes_at() > 1e9)
        assert shell.shown == []
    outdoors.told |= {"notify": True}
    await outdoors.happens(msgspec.structs.replace(DEED, count=5))
    await shell.until(lambda: shell.shown)
    assert shell.shown[0]["text"] == "Ben added 5 tracks"  # what happened before is not told later either


async def test_the_tray_tells_who_is_there_and_its_menu_opens_hushes_and_quits(outdoors, shell):
    await outdoors.until(lambda: outdoors.asked)
    assert "1 friend is connected" in await shell.labels()
    await shell.click_menu("Open WhatNext")
    await outdoors.until(lambda: outdoors.opened == [""])
    await shell.click_menu("Tell me what friends do")
    await outdoors.until(lambda: outdoors.told["notify"] is False)
    await shell.click_menu("Quit WhatNext")
    with trio.fail_after(10):
        await outdoors.left.wait()


async def test_quit_does_not_wait_behind_a_page_that_does_not_open(outdoors, shell, monkeypatch):
    async def never(place: str) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(outdoors.outside, "_open_page", never)
    for label in ("Open WhatNext", "Open WhatNext", "Quit WhatNext"):
        await shell.click_menu(label)
    with trio.fail_after(10):
        await outdoors.left.wait()


async def test_a_tray_that_starts_later_gets_the_icon_too(bus, nursery, monkeypatch):
    made = Outdoors(monkeypatch)
    nursery.start_soon(made.outside.run, bus[0])
    await made.until(lambda: made.asked)
    late = Shell()
    await nursery.start(late.run, bus[0])
    await late.until(lambda: late.items)


async def test_a_bus_that_ends_takes_nothing_along(bus, monkeypatch):
    made = Outdoors(monkeypatch)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.outside.run, bus[0])
            await made.came.wait()
            bus[1].kill()  # `run` returns: the nursery ends


async def test_without_a_service_that_shows_them_nothing_happens(bus):
    async with open_session_bus(bus[0]) as connection:
        notifier = Notifier(connection)
        await notifier.show(Notice("abc", "Friday", "Ben joined"))
        assert notifier.clicked((0, "default")) is None


async def test_names_are_text_and_no_markup_and_a_later_notice_takes_the_place(bus, nursery):
    plain, rich = Shell("body"), Shell("body", "body-markup")
    for shell, expected in ((plain, "<b>Ben</b> joined"), (rich, "&lt;b&gt;Ben&lt;/b&gt; joined")):
        with trio.CancelScope() as life:
            async with trio.open_nursery() as inner:
                await inner.start(shell.run, bus[0])
                async with open_session_bus(bus[0]) as connection:
                    notifier = Notifier(connection)
                    for playlist in ("abc", "xyz", "abc"):
                        await notifier.show(Notice(playlist, "Friday", "<b>Ben</b> joined"))
                life.cancel()
        assert [told["text"] for told in shell.shown] == [expected] * 3
        assert [told["replaces"] for told in shell.shown] == [0, 0, 1]
        assert shell.shown[0]["actions"] == []


@pytest.mark.parametrize("address", ["unix:path=/nowhere", "tcp:host=127.0.0.1,port=1", "nonsense", ""])
async def test_a_bus_that_is_not_there_is_an_error_of_one_kind(address):
    with pytest.raises(BusGone):
        async with open_session_bus(address):
            pytest.fail("nobody is there")


async def test_a_call_that_is_under_way_when_the_bus_ends_says_so(bus):
    address, daemon = bus
    heard = []

    async def call(connection) -> None:
        try:
            await connection.call(connection._router.unique_name, "/", "a.b", "Never")
        except BaseException as error:
            heard.append(type(error))
            raise

    async def call_until_the_end() -> None:
        async with open_session_bus(address) as connection, trio.open_nursery() as nursery:
            nursery.start_soon(call, connection)
            await trio.sleep(0.05)
            daemon.kill()

    with pytest.raises(BusGone):
        await call_until_the_end()
    assert heard == [BusGone]


def test_the_bus_is_where_the_session_says_or_where_systemd_has_it(tmp_path):
    assert bus_address({}) is None
    assert bus_address({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"
    assert bus_address({"XDG_RUNTIME_DIR": str(tmp_path)}) is None
    (tmp_path / "bus").touch()
    assert bus_address({"XDG_RUNTIME_DIR": str(tmp_path)}) is None  # no socket


async def test_a_node_that_ends_while_it_is_asked_is_asked_again_when_another_is_there(
    bus, shell, monkeypatch
):
    made, ends = Outdoors(monkeypatch), [trio.Event(), trio.Event()]

    async def ended(node, after):
        ends[0].set()
        raise ConnectionLost("it went away")

    async def follow(node, on_event):
        on_event("ready", b"{}")
        await ends[0].wait()
        monkeypatch.setattr(node_client, "glance", made._glance)
        monkeypatch.setattr(event_stream, "follow", made._follow)

    monkeypatch.setattr(node_client, "glance", ended)
    monkeypatch.setattr(event_stream, "follow", follow)
    monkeypatch.setattr("whatnext.desktop.outside.AGAIN_S", 0.01)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.outside.run, bus[0])
        await made.until(lambda: made.asked)
        nursery.cancel_scope.cancel()


async def test_a_node_that_could_not_answer_once_is_asked_again(outdoors, shell, monkeypatch):
    async def failed(node, after):
        monkeypatch.setattr(node_client, "glance", outdoors._glance)
        raise LocalError("the disk did not answer")

    monkeypatch.setattr("whatnext.desktop.outside.AGAIN_S", 0.01)
    await outdoors.until(lambda: outdoors.asked)
    monkeypatch.setattr(node_client, "glance", failed)
    await outdoors.happens(DEED)
    await shell.until(lambda: shell.shown)


def test_canary_jeepney_still_forgets_whom_it_has_to_tell_that_the_connection_ended():
    """Once this fails, `SessionBus.call` need not catch KeyError any more."""
    from jeepney.io.common import ReplyMatcher

    class Waiting:
        def set_exception(self, error: Exception) -> None:
            assert "closed" in str(error)

    matcher = ReplyMatcher()
    with pytest.raises(KeyError), matcher.catch(1, Waiting()):
        matcher.drop_all()
