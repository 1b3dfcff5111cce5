"""From a friend's keyboard to the notification: two nodes, a desktop with a browser, and a session bus, all real."""

import sys
import time

import psutil
import pytest
import trio

from whatnext.bench.nodes import Node

from .bus import Shell, session_bus, why_no_bus

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(why_no_bus() is not None, reason=str(why_no_bus())),
    pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is Linux'"),
]


@pytest.fixture
def browsing(desktop, tmp_path):
    """Lets the desktop believe in a display and a browser; what that was asked to open."""
    opened = tmp_path / "opened"
    opened.touch()
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    desktop.environment |= {"DISPLAY": ":99", "BROWSER": str(browser)}
    return lambda: opened.read_text().split()


@pytest.fixture
def ben(tmp_path):
    node = Node(tmp_path / "ben")
    node.start()
    node.ask("profile.name", name="Ben")
    yield node
    node.kill()


async def in_thread(function, *words, **request):
    return await trio.to_thread.run_sync(lambda: function(*words, **request))


async def test_a_friend_who_joins_and_adds_tracks_is_told_of_once_and_the_tray_quits(
    desktop, browsing, ben, monkeypatch
):
    with session_bus() as (address, _):
        desktop.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        shell = Shell("actions", "body")
        async with trio.open_nursery() as nursery:
            await nursery.start(shell.run, address)
            app = desktop.start("open", "--in", "browser")
            await in_thread(desktop.ready_node)
            await shell.until(lambda: shell.items)
            made = await in_thread(desktop.ask, "playlist.create", name="Friday, late")
            invite = await in_thread(desktop.ask, "invite.create", playlist=made["id"], role="editor")
            await in_thread(ben.ask, "join", link=invite["link"])
            with trio.fail_after(20):
                while "here" not in str(await in_thread(ben.ask, "playlist.list")):  # noqa: ASYNC110
                    await trio.sleep(0.05)
            tracks = [{"title": f"Song {number}"} for number in range(12)]
            await in_thread(ben.ask, "playlist.add", playlist=made["id"], tracks=tracks)
            added = time.monotonic()
            await shell.until(lambda: shell.shown)
            waited = time.monotonic() - added
            told = [(note["title"], note["text"]) for note in shell.shown]
            assert told == [("Friday, late", "Ben joined. Ben added 12 tracks")]
            assert waited > 3  # it waits for more of the same
            await shell.click_notification(1)
            with trio.fail_after(20):
                while len(browsing()) < 2:  # noqa: ASYNC110 - another process opens it
                    await trio.sleep(0.05)
            assert browsing()[1].endswith(f"#/playlist/{made['id']}")
            assert "1 friend is connected" in await shell.labels()
            node = desktop.node()["pid"]
            await shell.click_menu("Quit WhatNext")
            assert await in_thread(app.wait, 20) == 0
            assert not psutil.pid_exists(node)
            nursery.cancel_scope.cancel()
