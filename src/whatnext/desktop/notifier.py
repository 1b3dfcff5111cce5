"""Notifications as the desktop shows them: Desktop Notifications Specification 1.2, over the session's bus."""

from collections import OrderedDict
from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import Any
from xml.sax.saxutils import escape

import trio

from whatnext.desktop import words
from whatnext.desktop.session_bus import SessionBus
from whatnext.desktop.telling import Notice

_NAME = "org.freedesktop.Notifications"
_PATH = "/org/freedesktop/Notifications"
MAX_SHOWN = 64
"""Notifications that are remembered, to take their place and to know what was clicked."""


class Notifier:
    """Shows notices; where nobody shows notifications, nothing happens."""

    def __init__(self, bus: SessionBus) -> None:
        self._bus = bus
        self._shown: OrderedDict[str | None, tuple[int, Notice]] = OrderedDict()

    async def show(self, notice: Notice) -> None:
        """Show one, in the place of the last one about the same playlist. Raises `BusGone`."""
        # Asked each time: one desktop's service may have taken the place of another's.
        answer = await self._bus.call(_NAME, _PATH, _NAME, "GetCapabilities")
        if answer is None:
            return
        capabilities = answer[0]
        replaced, _ = self._shown.get(notice.playlist, (0, notice))
        text = escape(notice.text) if "body-markup" in capabilities else notice.text
        with as_file(files("whatnext.desktop").joinpath("icon.svg")) as icon:
            answer = await self._bus.call(
                _NAME,
                _PATH,
                _NAME,
                "Notify",
                "susssasa{sv}i",
                words.APP,
                replaced,
                icon.as_uri(),
                notice.title,
                text,
                ["default", words.OPEN] if "actions" in capabilities else [],
                {"desktop-entry": ("s", "whatnext"), "category": ("s", "im.received")},
                -1,
            )
        if answer is not None:
            self._shown[notice.playlist] = (answer[0], notice)
            self._shown.move_to_end(notice.playlist)
            if len(self._shown) > MAX_SHOWN:
                self._shown.popitem(last=False)

    async def clicks(self) -> "trio.MemoryReceiveChannel[Any]":
        """The service's messages about clicks, for `clicked`. Raises `BusGone`."""
        return await self._bus.listen(type="signal", interface=_NAME, member="ActionInvoked", path=_PATH)

    def clicked(self, told: Sequence[Any]) -> Notice | None:
        """What the notification told that was clicked, as the message's arguments say; None when it is not ours."""
        return next((notice for shown, notice in self._shown.values() if tuple(told[:1]) == (shown,)), None)
