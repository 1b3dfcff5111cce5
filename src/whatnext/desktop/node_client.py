"""The node that runs on a profile, as the desktop asks it: is it there, and how does a browser get in."""

from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec
import trio

from whatnext.cli.backend import NodeBackend
from whatnext.node import state_file
from whatnext.node.notification_views import Glance, GlanceView, NotificationsView, SetNotifications
from whatnext.node.state_file import NodeFile
from whatnext.node.views import BrowserLink
from whatnext.playlists.requests import Nothing

T = TypeVar("T")


async def running(directory: Path) -> NodeFile | None:
    """The node that answers on this profile, whoever started it, or None."""
    found = state_file.read(directory)
    if found is None or not state_file.is_alive(found.pid):
        return None
    return found if await trio.to_thread.run_sync(_answers, found) else None


async def page(node: NodeFile, link: str | None, place: str = "") -> str:
    """An address that signs a browser in once and shows a clicked link to the user, or the page at a place (`#/…`).

    The link goes in the fragment, which no server and no log sees: an invite's secret is in it. A redirect keeps the
    fragment (RFC 9110 §10.2.2). Raises `ConnectionLost` when the node went away meanwhile.
    """
    url = await trio.to_thread.run_sync(_browser_link, node)
    return f"{url}{place}" if link is None else f"{url}#open={quote(link, safe='')}"


async def glance(node: NodeFile, after: int | None) -> GlanceView:
    """What members did since; raises `ConnectionLost` when the node went away. Cancelling waits for nothing."""
    return await _ask(node, "glance", Glance(after=after), GlanceView)


async def set_notifications(node: NodeFile, *, on: bool) -> None:
    """Keep whether the user wants to be told; raises `ConnectionLost` and `StoreUnwritable`."""
    await _ask(node, "notifications.set", SetNotifications(on=on), NotificationsView)


async def _ask(node: NodeFile, operation: str, request: msgspec.Struct, response: type[T]) -> T:
    def ask() -> T:
        backend = NodeBackend(node)
        try:
            return backend.ask(operation, request, response)
        finally:
            backend.close()

    # libp2p brings trio-stubs, which describe an older trio
    return await trio.to_thread.run_sync(ask, abandon_on_cancel=True)  # type: ignore[call-arg]


def _answers(node: NodeFile) -> bool:
    backend = NodeBackend(node)
    try:
        return backend.connect()
    finally:
        backend.close()


def _browser_link(node: NodeFile) -> str:
    backend = NodeBackend(node)
    try:
        return backend.ask("node.browse", Nothing(), BrowserLink).url
    finally:
        backend.close()
