"""The user's D-Bus session, where Linux and the BSDs have notifications and the tray; elsewhere there is none.

jeepney: pure Python, speaks trio. Whoever can connect to the bus is this user, so nothing on it is checked further.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from whatnext.errors import LocalError

CALL_S = 10.0
"""A service that the bus has to start first may take seconds."""
_QUEUE = 64
_BUS = {"path": "/org/freedesktop/DBus", "interface": "org.freedesktop.DBus"}


class BusGone(LocalError):
    """There is no session bus, or it ended: notifications and tray go without a word."""


def bus_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where the session's bus is (D-Bus specification, "Well-known Message Bus Instances"); None without one."""
    said = environment.get("DBUS_SESSION_BUS_ADDRESS")
    if said:
        return said
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime and (Path(runtime) / "bus").is_socket():  # where systemd has it
        return f"unix:path={runtime}/bus"
    return None


class SessionBus:
    """One connection: calls out, calls and signals in."""

    def __init__(self, router: Any) -> None:
        self._router = router

    async def call(
        self, name: str, path: str, interface: str, method: str, signature: str = "", *body: Any
    ) -> tuple[Any, ...] | None:
        """Call a method; None when nobody is there, does not answer or refuses. Raises `BusGone`."""
        from jeepney import DBusAddress, MessageType, new_method_call
        from jeepney.io.trio import RouterClosed

        message = new_method_call(DBusAddress(path, name, interface), method, signature or None, body)
        reply = None
        try:
            with trio.move_on_after(CALL_S):
                reply = await self._router.send_and_get_reply(message)
        # KeyError: jeepney 0.9.0 forgets whom it has to tell that the connection ended.
        except (RouterClosed, KeyError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise BusGone("the session's bus is gone") from error
        if reply is None or reply.header.message_type is MessageType.error:
            return None
        return tuple(reply.body)

    async def send(self, message: Any) -> None:
        """Send an answer or a signal; raises `BusGone`."""
        try:
            await self._router.send(message)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise BusGone("the session's bus is gone") from error

    async def listen(self, first: str | None = None, **rule: str) -> trio.MemoryReceiveChannel[Any]:
        """Messages that fit a match rule, from now on; of more than 64 unread ones the newest are dropped.

        `first` is what their first argument must be.
        """
        from jeepney import MatchRule

        wanted = MatchRule(**rule)
        if first is not None:
            wanted.add_arg_condition(0, first)
        into, out = trio.open_memory_channel[Any](_QUEUE)
        self._router.filter(wanted, channel=into)
        if rule.get("type") == "signal":
            await self._ask_bus("AddMatch", "s", wanted.serialise())
        return out

    async def take_name(self, name: str) -> None:
        """Be known on the bus by a name."""
        do_not_queue = 4
        await self._ask_bus("RequestName", "su", name, do_not_queue)

    async def _ask_bus(self, method: str, signature: str, *body: Any) -> None:
        await self.call("org.freedesktop.DBus", _BUS["path"], _BUS["interface"], method, signature, *body)


@asynccontextmanager
async def open_session_bus(address: str) -> AsyncIterator[SessionBus]:
    """Be on the bus while the block lasts; raises `BusGone` when it cannot be reached, or ends meanwhile."""
    from jeepney.auth import AuthenticationError
    from jeepney.io.trio import open_dbus_router

    reason: BaseExceptionGroup[Exception] | None = None
    try:
        async with open_dbus_router(address) as router:
            yield SessionBus(router)
    except* (
        AuthenticationError,
        OSError,
        RuntimeError,  # an address of a kind jeepney does not know
        ValueError,  # an address that is none
        trio.BrokenResourceError,
        trio.ClosedResourceError,
        trio.EndOfChannel,
        BusGone,
    ) as group:
        reason = group  # Python before 3.11.4 would wrap what is raised in here
    if reason is not None:
        raise BusGone(f"the session's bus is not there: {reason.exceptions[0]}") from reason
