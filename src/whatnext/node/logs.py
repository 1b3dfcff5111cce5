"""The log: one event a line, on stderr for people or as JSON, and always as JSON in the profile's `node.log`.

A line about a peer has it as the field `peer`, and as `name` what the peer calls itself. Nothing secret goes there: no
tokens, and of an invite link not the part that is the key.
"""

import logging
import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from whatnext.node.log_file import LogFile

FIELDS = ("peer", "target", "origin", "circuit", "bytes", "why")
"""What a caller may add to a line (`extra=`); all but `peer` are the relay's."""
MAX_NAMES = 4096
MAX_EVENT, MAX_TRACE = 2000, 8000
"""Characters of one message and of one traceback: a peer's words may be in them."""

_PEER = re.compile(r"\b12D3KooW[1-9A-HJ-NP-Za-km-z]{44}\b")
_INVITE_KEY = re.compile(r"(whtnxt://join/[^\s#]*#)[^\s”\"']+", re.IGNORECASE)
_CONTROL = {code: " " for code in [*range(32), *range(127, 160)] if code != ord("\n")}


class Logs:
    """Where this process's log goes; made by `set_up_logs`."""

    def __init__(self, level: str) -> None:
        self._level = level.upper()
        self._names: OrderedDict[str, str] = OrderedDict()

    def know(self, peer: str, name: str) -> None:
        """From now on lines about this peer carry its name."""
        self._names[peer] = name
        self._names.move_to_end(peer)
        while len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)

    @contextmanager
    def kept(self, directory: Path) -> Iterator[None]:
        """Also keep the log in the profile while the block lasts: `info` and worse, or all of it at `debug`.

        Of other libraries only warnings are kept. A disk that is full costs lines, never the node.
        """
        handler = LogFile(directory)
        handler.setLevel(min(logging.INFO, logging.getLevelName(self._level)))
        handler.setFormatter(self.formatter("json"))
        handler.addFilter(lambda record: _is_ours(record) or record.levelno >= logging.WARNING)
        root = logging.getLogger()
        before = root.level
        root.setLevel(min(before, handler.level))
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(before)
            handler.close()

    def formatter(self, style: Literal["human", "json"], *, colours: bool = False) -> logging.Formatter:
        """Makes a line of a record."""
        shared: list[Processor] = [
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow=FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _harmless,
            self._with_peer,
        ]
        renderer: list[Processor] = (
            [structlog.processors.JSONRenderer(ensure_ascii=False)]
            if style == "json"
            else [_for_people, structlog.dev.ConsoleRenderer(colors=colours)]
        )
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )

    def _with_peer(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Whom it is about: what the caller said, else the first PeerID in the text."""
        if "peer" not in event:
            named = _PEER.search(event["event"])
            if named is not None:
                event["peer"] = named[0]
        name = self._names.get(str(event.get("peer", "")))
        if name:
            event["name"] = name
        return event


def set_up_logs(level: str, style: Literal["human", "json"], stream: TextIO) -> Logs:
    """Send everything that modules log through `logging` to a stream, rendered by structlog."""
    logs = Logs(level)
    handler = logging.StreamHandler(stream)
    handler.setLevel(level.upper())
    handler.setFormatter(logs.formatter(style, colours=stream.isatty() and "NO_COLOR" not in os.environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    return logs


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == "whatnext" or record.name.startswith("whatnext.")


def _harmless(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """No secrets, no control characters, no endless lines: part of a message may be a peer's words."""
    event["event"] = _clean(str(event["event"]), MAX_EVENT)
    if "exception" in event:
        event["exception"] = _clean(str(event["exception"]), MAX_TRACE)
    return event


def _clean(text: str, limit: int) -> str:
    return _INVITE_KEY.sub(r"\1…", text).translate(_CONTROL)[:limit]


def _for_people(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """PeerIDs as people know them: the name, or the end of the id; said once."""
    peer, name = event.pop("peer", None), event.pop("name", None)
    text = event["event"]
    if peer is not None:
        shown = _short(peer) if name is None else f"{_clean(name, 80)} ({_short(peer)})"
        event["event"] = text.replace(peer, shown) if peer in text else f"{shown}: {text}"
    event["event"] = _PEER.sub(lambda match: _short(match[0]), event["event"])
    return event


def _short(peer: str) -> str:
    return "…" + peer[-6:]
