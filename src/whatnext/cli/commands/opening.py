"""Opening WhatNext on the desktop, and opening a link: say whom and what it names, ask, then connect or join."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.cli.commands import network, sharing
from whatnext.cli.context import Context
from whatnext.errors import LocalError, UserError
from whatnext.playlists import requests
from whatnext.playlists.views import ProfileView, Remembered

if TYPE_CHECKING:
    from whatnext.desktop.surfaces import Where
    from whatnext.playlists.links import ConnectLink, JoinLink


_ANYBODY = "(anybody can write a name into a link)"
_HERE = "Open this address on this machine within a minute; it works once:"


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Where the page is shown; for a terminal, the address to open within a minute."""

    where: str
    url: str | None = None


def open_(
    link: Annotated[str | None, Parameter(help="A link: whtnxt://connect/… or whtnxt://join/…")] = None,
    *,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask first.")] = False,
    app: Annotated[bool, Parameter(negative=(), help="Let the app show the link and ask.")] = False,
    shown_in: Annotated[
        Literal["window", "browser", "terminal"] | None,
        Parameter(name="--in", help="Where the app shows its pages; a terminal gets a link to them."),
    ] = None,
    context: Given,
) -> None:
    """Open the app until you quit it; with a link: connect to a device, or join a playlist. A terminal is asked first.

    A link is opened here, without the app, unless --app is given. Without a running node a join is noted, and a
    device's addresses are kept until one runs.
    """
    if link is None or app:
        if yes:
            raise UserError("--yes goes with a link that is opened without the app, which always asks")
        _open_app(link, shown_in, context)
        return
    if shown_in is not None:
        raise UserError("--in goes with --app: without it the link is opened here")
    _open_here(link, yes, context)


def _open_app(link: str | None, shown_in: "Where | None", context: Context) -> None:
    from whatnext.config import profile_directory
    from whatnext.desktop.app import run_desktop
    from whatnext.desktop.surfaces import candidates, why_no_display

    def show_address(url: str) -> None:
        if context.show(Opened(where="terminal", url=url)):
            return
        why = why_no_display()
        context.say(_HERE if why is None else f"{why[0].upper()}{why[1:]}. {_HERE}")
        context.print(url)
        if (hint := _over_ssh(url)) is not None:
            context.say(hint)
        context.say("Ctrl-C quits WhatNext.")

    directory = profile_directory(context.profile)
    surfaces = candidates(shown_in, show_address, keep=directory / "window")
    answer = run_desktop(directory, link, surfaces, context.say)
    if answer is None:
        return
    if answer.problem is not None:
        raise LocalError(answer.problem)
    if not context.show(Opened(where=answer.where, url=answer.url)):
        if answer.url is None:
            context.say(f"WhatNext runs already: its {answer.where} shows the page.")
        else:
            context.say(f"WhatNext runs already. {_HERE}")
            context.print(answer.url)
            if (hint := _over_ssh(answer.url)) is not None:
                context.say(hint)


def _over_ssh(url: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """How the page gets to the browser of somebody who came by ssh, which sits on another machine; else None."""
    if not environment.get("SSH_CONNECTION"):
        return None
    port = urlsplit(url).port
    return (
        f"You came by ssh: run this on your own machine first: ssh -N -L {port}:127.0.0.1:{port} THIS-MACHINE"
    )


def _open_here(link: str, yes: bool, context: Context) -> None:
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
            lines.append(f"  calls itself “{link.name}” {_ANYBODY}")
    else:
        lines = [f"Join the playlist {to_text(link.playlist)}"]
        if link.title:
            lines.append(f"  called “{link.title}” {_ANYBODY}")
        if link.name:
            lines.append(f"  an invite of “{link.name}” {_ANYBODY}")
        lines += [f"  let in by {peer}" for peer in link.peers]
    return "\n".join([*lines, *(f"  at {address}" for address in link.addresses)])


def _agreed() -> bool:
    """The answer of whoever sits at the terminal; without one there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
