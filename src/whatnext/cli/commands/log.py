"""The log of the node, of one that runs or of the last one."""

import sys
import time
from datetime import datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.arguments import Given
from whatnext.cli.log_reading import Line, LogReader, wanted
from whatnext.cli.words import short_peer
from whatnext.config import profile_directory
from whatnext.errors import NotFound, UserError

_LOOK_S = 0.2


def log(
    *,
    follow: Annotated[bool, Parameter(negative=(), help="Go on with what comes, until Ctrl-C.")] = False,
    peer: Annotated[
        str | None, Parameter(help="Only lines about this peer: its name, its PeerID, or a part of it.")
    ] = None,
    level: Annotated[
        Literal["debug", "info", "warning", "error"], Parameter(help="The least that is shown.")
    ] = "info",
    lines: Annotated[int, Parameter(help="How many of the last lines.")] = 50,
    context: Given,
) -> None:
    """Show what the node has logged; with --json each line as it is kept, a JSON document."""
    if lines < 0:
        raise UserError("--lines needs a number from 0 on")
    if peer is not None and not peer.lstrip("…"):
        raise UserError("--peer needs a name, a PeerID, or a part of it")
    fits = wanted(level, peer)
    with LogReader(profile_directory(context.profile)) as reader:
        if not follow and not reader.exists():
            raise NotFound("no node has kept a log on this profile yet: start one with `whatnext node`")
        shown = reader.last(lines, fits)
        for line in shown:
            _print(line, context)
        if not shown and not follow:
            context.say("Nothing of that kind was logged.")
        while follow:
            for line in filter(fits, reader.new()):
                _print(line, context)
            time.sleep(_LOOK_S)


def _print(line: Line, context: Given) -> None:
    if context.as_json:
        context.write(line.raw + b"\n")
        return
    about = ""
    if line.peer is not None:
        about = f"{line.name} ({short_peer(line.peer)})" if line.name else short_peer(line.peer)
        text = line.event.replace(line.peer, about)
        about = "" if text != line.event else f"{about}: "
    else:
        text = line.event
    context.print(f"{_moment(line.timestamp)} {line.level:<7} {about}{text}")
    if line.exception:
        context.print(line.exception)
    sys.stdout.flush()


def _moment(timestamp: str) -> str:
    """A time in the local zone, to the millisecond."""
    try:
        at = datetime.fromisoformat(timestamp).astimezone()
    except ValueError:
        return timestamp
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}"
