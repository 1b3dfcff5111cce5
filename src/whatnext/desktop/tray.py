"""An icon in the tray: a StatusNotifierItem with a menu on the session's bus. Where no tray takes it, nothing shows.

StatusNotifierItem is what KDE, Cinnamon, Xfce, LXQt, MATE, waybar and, with Ubuntu's extension, GNOME show; there is no
XEmbed icon for older trays. https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/
"""

import os
from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import Any

import trio

from whatnext.desktop import tray_icon, tray_menu, words
from whatnext.desktop.session_bus import SessionBus
from whatnext.desktop.tray_menu import Act, Look

ITEM, MENU = "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"
ITEM_PATH, MENU_PATH = "/StatusNotifierItem", "/MenuBar"
WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_TAKES = MappingProxyType(
    {
        "Get": "ss",
        "GetAll": "s",
        "Activate": "ii",
        "SecondaryActivate": "ii",
        "ContextMenu": "ii",
        "Scroll": "is",
        "GetLayout": "iias",
        "GetGroupProperties": "aias",
        "GetProperty": "is",
        "Event": "isvu",
        "EventGroup": "a(isvu)",
        "AboutToShow": "i",
        "AboutToShowGroup": "ai",
    }
)
"""Signatures of the methods' arguments: an answer that repeats one of another type could not be written."""


class Tray:
    """Shows itself while `run` runs; what the user asks for goes to `act`, which must not wait."""

    def __init__(self, bus: SessionBus, act: Callable[[Act], None]) -> None:
        self._bus = bus
        self._act = act
        self._look = Look()
        self._revision = 1
        self._changed = trio.Event()

    def show(self, look: Look) -> None:
        """Show this from now on."""
        if look != self._look:
            self._look = look
            self._revision += 1
            self._changed.set()

    async def run(self) -> None:
        """Be in the tray until cancelled, also in one that starts later; raises `BusGone`."""
        calls = await self._bus.listen(type="method_call")
        came = await self._bus.listen(
            WATCHER, type="signal", interface="org.freedesktop.DBus", member="NameOwnerChanged"
        )
        name = f"{ITEM}-{os.getpid()}-1"
        await self._bus.take_name(name)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._answer, calls)
            nursery.start_soon(self._tell_changes)
            await self._register(name)
            async for message in came:
                if message.body[-1]:  # the new owner, behind the name and the old one
                    await self._register(name)

    async def _register(self, name: str) -> None:
        await self._bus.call(WATCHER, WATCHER_PATH, WATCHER, "RegisterStatusNotifierItem", "s", name)

    async def _answer(self, calls: trio.MemoryReceiveChannel[Any]) -> None:
        async for call in calls:
            await self._bus.send(answer(call, self._look, self._revision, self._act))

    async def _tell_changes(self) -> None:
        from jeepney import DBusAddress, new_signal

        menu = DBusAddress(MENU_PATH, interface=MENU)
        item = DBusAddress(ITEM_PATH, interface=ITEM)
        while True:
            await self._changed.wait()
            self._changed = trio.Event()
            await self._bus.send(new_signal(menu, "LayoutUpdated", "ui", (self._revision, 0)))
            await self._bus.send(new_signal(item, "NewToolTip"))


def answer(call: Any, look: Look, revision: int, act: Callable[[Act], None]) -> Any:
    """The answer to one method call, an error where there is nothing of that name."""
    from jeepney import HeaderFields, new_error, new_method_return

    fields = call.header.fields
    path, interface = fields.get(HeaderFields.path), fields.get(HeaderFields.interface)
    method = fields.get(HeaderFields.member)
    known: dict[str, Callable[..., tuple[str, tuple[Any, ...]]]] = {}
    if interface == _PROPERTIES:
        known = _property_answers(path, look)
    elif (path, interface) == (ITEM_PATH, ITEM):
        known = _item_answers(act)
    elif (path, interface) == (MENU_PATH, MENU):
        known = tray_menu.answers(look, revision, act)
    elif interface == "org.freedesktop.DBus.Introspectable":
        known = {"Introspect": lambda: ("s", (_introspected(path),))}
    if fields.get(HeaderFields.signature, "") != _TAKES.get(method, ""):
        known = {}
    try:
        signature, body = known[method](*call.body)
    except (KeyError, TypeError, ValueError):  # no such method, or arguments of another shape
        return new_error(call, "org.freedesktop.DBus.Error.UnknownMethod", "s", (f"no {interface}.{method}",))
    return new_method_return(call, signature or None, body)


def _item_answers(act: Callable[[Act], None]) -> dict[str, Callable[..., tuple[str, tuple[Any, ...]]]]:
    def opened(_x: int, _y: int) -> tuple[str, tuple[Any, ...]]:
        act("open")
        return "", ()

    def nothing(*_: Any) -> tuple[str, tuple[Any, ...]]:
        return "", ()

    return {"Activate": opened, "SecondaryActivate": opened, "ContextMenu": nothing, "Scroll": nothing}


def _property_answers(path: str | None, look: Look) -> dict[str, Callable[..., tuple[str, tuple[Any, ...]]]]:
    told = {ITEM: _item(look), MENU: _MENU} if path in (ITEM_PATH, MENU_PATH) else {}
    return {
        "Get": lambda interface, name: ("v", (told[interface][name],)),
        "GetAll": lambda interface: ("a{sv}", (told[interface],)),
    }


_MENU: dict[str, Any] = {
    "Version": ("u", 3),
    "TextDirection": ("s", "ltr"),
    "Status": ("s", "normal"),
    "IconThemePath": ("as", []),
}


@cache
def _pixels() -> list[tuple[int, int, bytes]]:
    return tray_icon.pixmaps()


def _item(look: Look) -> dict[str, Any]:
    return {
        "Category": ("s", "ApplicationStatus"),
        "Id": ("s", "whatnext"),
        "Title": ("s", words.APP),
        "Status": ("s", "Active"),
        "WindowId": ("i", 0),
        "IconName": ("s", ""),
        "IconPixmap": ("a(iiay)", _pixels()),
        "OverlayIconName": ("s", ""),
        "OverlayIconPixmap": ("a(iiay)", []),
        "AttentionIconName": ("s", ""),
        "AttentionIconPixmap": ("a(iiay)", []),
        "AttentionMovieName": ("s", ""),
        "ToolTip": ("(sa(iiay)ss)", ("", [], words.APP, words.around(look.around))),
        "ItemIsMenu": ("b", False),
        "Menu": ("o", MENU_PATH),
    }


def _introspected(path: str | None) -> str:
    interface = {ITEM_PATH: ITEM, MENU_PATH: MENU}.get(path or "")
    inside = f'<interface name="{interface}"/><interface name="{_PROPERTIES}"/>' if interface else ""
    return f"<node>{inside}</node>"
