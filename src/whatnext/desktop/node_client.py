"""The node that runs on a profile, as the desktop asks it: is it there, and how does a browser get in."""

from pathlib import Path
from urllib.parse import quote

import trio

from whatnext.cli.backend import NodeBackend
from whatnext.node import state_file
from whatnext.node.state_file import NodeFile
from whatnext.node.views import BrowserLink
from whatnext.playlists.requests import Nothing


async def running(directory: Path) -> NodeFile | None:
    """The node that answers on this profile, whoever started it, or None."""
    found = state_file.read(directory)
    if found is None or not state_file.is_alive(found.pid):
        return None
    return found if await trio.to_thread.run_sync(_answers, found) else None


async def page(node: NodeFile, link: str | None) -> str:
    """An address that signs a browser in once and shows a clicked link to the user.

    The link goes in the fragment, which no server and no log sees: an invite's secret is in it. A redirect keeps the
    fragment (RFC 9110 §10.2.2). Raises `ConnectionLost` when the node went away meanwhile.
    """
    url = await trio.to_thread.run_sync(_browser_link, node)
    return url if link is None else f"{url}#open={quote(link, safe='')}"


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
