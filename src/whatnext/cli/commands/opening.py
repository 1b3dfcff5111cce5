"""Opening a link: say whom and what it names, ask, then connect or join."""

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.cli.commands import network, sharing
from whatnext.cli.context import Context
from whatnext.playlists import requests
from whatnext.playlists.views import ProfileView, Remembered

if TYPE_CHECKING:
    from whatnext.playlists.links import ConnectLink, JoinLink


def open_(
    link: Annotated[str, Parameter(help="A link: whtnxt://connect/… or whtnxt://join/…")],
    *,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask first.")] = False,
    context: Given,
) -> None:
    """Open a link: connect to a device, or join a playlist; asks first on a terminal.

    Without a running node a join is noted, and a device's addresses are kept until one runs.
    """
    from whatnext.playlists.links import JoinLink, parse

    found = parse(link)
    context.say(_described(found))
    if not (yes or context.as_json or _agreed()):
        context.say("Nothing was done.")
    elif isinstance(found, JoinLink):
        sharing.join(str(found), context=context)
    else:
        _connect(found, context)


def _connect(link: "ConnectLink", context: Context) -> None:
    """By the running node; without one the addresses are kept for it."""
    own = context.ask("profile.show", requests.Nothing(), ProfileView).peer
    if context.backend.is_node and link.peer != own:
        network.connect(str(link), context=context)
        return
    kept = context.ask("peers.remember", requests.RememberPeer(link=str(link)), Remembered)
    if context.show(kept):
        return
    context.print(kept.peer)
    noted = "Its addresses are noted" if kept.addresses else "The link names no address"
    context.say(f"{noted}. No node runs here: start `whatnext node`, then: whatnext connect {kept.peer}")


def _described(link: "ConnectLink | JoinLink") -> str:
    """Who and what, for the eye; the name is only what the link says."""
    from whatnext.playlists.links import ConnectLink
    from whatnext.records.ids import to_text

    if isinstance(link, ConnectLink):
        lines = [f"Connect to the device {link.peer}"]
        if link.name:
            lines.append(f"  calls itself “{link.name}” (anybody can write a name into a link)")
    else:
        lines = [f"Join the playlist {to_text(link.playlist)}"]
        lines += [f"  let in by {peer}" for peer in link.peers]
    return "\n".join([*lines, *(f"  at {address}" for address in link.addresses)])


def _agreed() -> bool:
    """The answer of whoever sits at the terminal; without one there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
