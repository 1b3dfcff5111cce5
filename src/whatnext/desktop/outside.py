"""The desktop outside of its pages: notifications of what friends did, and the icon in the tray.

Both live on the session's bus. Without one, or when it ends, the desktop goes on without a word.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn

import msgspec
import trio

from whatnext.desktop import event_stream, node_client
from whatnext.desktop.notifier import Notifier
from whatnext.desktop.session_bus import BusGone, SessionBus, open_session_bus
from whatnext.desktop.telling import Telling
from whatnext.desktop.tray import Tray
from whatnext.desktop.tray_menu import Act, Look
from whatnext.errors import WhatNextError
from whatnext.node.notification_views import GlanceView
from whatnext.node.state_file import NodeFile

ASK_APART_S = 1.0
"""A friend's thousand changes are thousand events: the node is asked this often at most."""
AGAIN_S = 2.0
_KINDS = ("change", "peer", "ready", "resync", "join")


class _Change(msgspec.Struct):
    local: bool = False


class Outside:
    """One bus, for as long as the desktop lives."""

    def __init__(
        self,
        node: Callable[[], Awaitable[NodeFile]],
        open_page: Callable[[str], Awaitable[None]],
        leave: Callable[[], None],
    ) -> None:
        """`node` waits for the running node, `open_page` shows the page at a place (`#/…`), `leave` quits."""
        self._node = node
        self._open_page = open_page
        self._leave = leave
        self._telling = Telling()
        self._stirred = trio.Event()
        self._upto: int | None = None
        self._acts, self._asked = trio.open_memory_channel[Act](8)

    async def run(self, address: str) -> None:
        """Tell and show until cancelled, or until the bus ends."""
        with suppress(BusGone):
            async with open_session_bus(address) as bus, trio.open_nursery() as nursery:
                notifier, tray = Notifier(bus), Tray(bus, self._act)
                nursery.start_soon(tray.run)
                nursery.start_soon(self._obey)
                nursery.start_soon(self._open_clicked, bus, notifier)
                await self._watch(notifier, tray)

    async def _watch(self, notifier: Notifier, tray: Tray) -> NoReturn:
        while True:
            node = await self._node()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, node, nursery.cancel_scope)
                await self._tell(node, notifier, tray)
            await trio.sleep(AGAIN_S)

    async def _listen(self, node: NodeFile, life: trio.CancelScope) -> None:
        await event_stream.follow(node, self._on_event)
        life.cancel()

    def _on_event(self, kind: str, data: bytes) -> None:
        own = kind == "change" and msgspec.json.decode(data, type=_Change).local
        if kind in _KINDS and not own:
            self._stirred.set()

    async def _tell(self, node: NodeFile, notifier: Notifier, tray: Tray) -> None:
        while True:
            with trio.move_on_at(self._telling.wakes_at()):
                await self._stirred.wait()
            self._stirred = trio.Event()
            try:
                glance = await node_client.glance(node, self._upto)
            except WhatNextError:  # if it is ending, so does the stream of its events, and with that this
                self._stirred.set()
                await trio.sleep(AGAIN_S)
                continue
            self._note(glance)
            tray.show(Look(glance.around, glance.notify))
            for notice in self._telling.due(trio.current_time(), watched=glance.watched):
                await notifier.show(notice)
            await trio.sleep(ASK_APART_S)

    def _note(self, glance: GlanceView) -> None:
        self._upto = glance.upto
        if glance.notify:
            self._telling.heard(trio.current_time(), glance.deeds)
        else:
            self._telling.forget()
        if glance.more:
            self._stirred.set()

    def _act(self, act: Act) -> None:
        if act == "quit":  # not behind a page that waits for a node
            self._leave()
        with suppress(trio.WouldBlock):  # somebody clicks faster than pages open
            self._acts.send_nowait(act)

    async def _obey(self) -> None:
        async for act in self._asked:
            if act == "open":
                await self._open_page("")
            elif act != "quit":
                with suppress(WhatNextError):  # the menu then shows that it is as before
                    await node_client.set_notifications(await self._node(), on=act == "notify")
                self._stirred.set()

    async def _open_clicked(self, bus: SessionBus, notifier: Notifier) -> None:
        async for message in await notifier.clicks():
            notice = notifier.clicked(message.body)
            if notice is not None:
                await self._open_page("" if notice.playlist is None else f"#/playlist/{notice.playlist}")
