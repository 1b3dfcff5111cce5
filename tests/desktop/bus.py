"""A session bus of a test's own, and on it as much of a notification service and a tray as a test needs."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from whatnext.desktop import tray
from whatnext.desktop.session_bus import SessionBus, open_session_bus

NOTIFICATIONS, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


def why_no_bus() -> str | None:
    return None if shutil.which("dbus-daemon") else "not installed: dbus-daemon (Debian: dbus)"


@contextmanager
def session_bus() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    words = ["dbus-daemon", "--session", "--nofork", "--print-address", "--nosyslog"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        try:
            yield daemon.stdout.readline().strip(), daemon
        finally:
            daemon.kill()


class Shell:
    """What a desktop environment has: it shows notifications, and a tray in which somebody clicks."""

    def __init__(self, *capabilities: str) -> None:
        self.capabilities = list(capabilities)
        self.shown: list[dict] = []
        self.items: list[str] = []
        self.bus: SessionBus
        self.news = trio.Event()

    async def run(self, address: str, task_status=trio.TASK_STATUS_IGNORED) -> None:
        async with open_session_bus(address) as self.bus:
            calls = await self.bus.listen(type="method_call")
            await self.bus.take_name(NOTIFICATIONS)
            await self.bus.take_name(tray.WATCHER)
            task_status.started()
            async for call in calls:
                await self.bus.send(self._answered(call))

    def _answered(self, call):
        from jeepney import HeaderFields, new_method_return

        method = call.header.fields[HeaderFields.member]
        if method == "GetCapabilities":
            return new_method_return(call, "as", (self.capabilities,))
        if method == "Notify":
            names = ("app", "replaces", "icon", "title", "text", "actions", "hints", "expires")
            self.shown.append(dict(zip(names, call.body, strict=True)))
            answer = new_method_return(call, "u", (self.shown[-1]["replaces"] or len(self.shown),))
        else:
            self.items.append(call.body[0])
            answer = new_method_return(call)
        self.news.set()
        self.news = trio.Event()
        return answer

    async def until(self, condition) -> None:
        with trio.fail_after(30):
            while not condition():
                await self.news.wait()

    async def click_notification(self, number: int) -> None:
        from jeepney import DBusAddress, new_signal

        emitter = DBusAddress(PATH, interface=NOTIFICATIONS)
        await self.bus.send(new_signal(emitter, "ActionInvoked", "us", (number, "default")))

    async def say_less_than_it_should(self) -> None:
        """The signals that the desktop listens to, with fewer arguments: any program on the bus can send them."""
        from jeepney import DBusAddress, new_signal

        service = DBusAddress(PATH, interface=NOTIFICATIONS)
        await self.bus.send(new_signal(service, "ActionInvoked"))
        daemon = DBusAddress("/org/freedesktop/DBus", interface="org.freedesktop.DBus")
        await self.bus.send(new_signal(daemon, "NameOwnerChanged", "s", (tray.WATCHER,)))

    async def labels(self) -> list[str]:
        answer = await self.bus.call(
            self.items[-1], tray.MENU_PATH, tray.MENU, "GetLayout", "iias", 0, -1, []
        )
        return [child[1][1]["label"][1] for child in answer[1][2] if "label" in child[1][1]]

    async def click_menu(self, label: str) -> None:
        answer = await self.bus.call(
            self.items[-1], tray.MENU_PATH, tray.MENU, "GetLayout", "iias", 0, -1, []
        )
        items = {child[1][1].get("label", ("s", ""))[1]: child[1][0] for child in answer[1][2]}
        await self.bus.call(
            self.items[-1],
            tray.MENU_PATH,
            tray.MENU,
            "Event",
            "isvu",
            items[label],
            "clicked",
            ("i", 0),
            0,
        )
