"""Where the time of a live edit goes: landmarks on its way, noted by nodes that run through this module.

`python -m whatnext.bench.stages PROFILE-OPTIONS node …` is `whatnext` with its landmarks timed (`MARKS` says where the
notes go when the process ends). The clock is the system's monotonic one, the same in all processes of one machine.
"""

import atexit
import functools
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

MODULE = "whatnext.bench.stages"
MARKS = "marks.json"
Marks = list[tuple[float, str]]

# Of the editing node, then of the one that told first: landmark, and what happened since the one before.
EDITOR = (
    ("socket read", "request on its way to A"),
    ("request", "HTTP read and routed"),
    ("write", "request decoded, places found"),
    ("durable", "signed, committed"),
    ("socket write", "sync frame made, encrypted"),
)
WATCHER = (
    ("socket read", "on its way to B"),
    ("stream read", "decrypted, demultiplexed"),
    ("durable", "verified, merged, committed"),
)
LAST = "event written, on its way to the driver"


def breakdown(
    edits: Iterable[tuple[float, list[float]]], editor: Marks, watchers: list[Marks]
) -> dict[str, float]:
    """Median milliseconds of each stage; an edit is its start and when each watcher's event was read, in seconds."""
    took: dict[str, list[float]] = {}
    for began, seen in edits:
        first = min(range(len(seen)), key=seen.__getitem__)
        at = began
        path = [(editor, EDITOR), (watchers[first], WATCHER)]
        for marks, landmarks in path:
            for landmark, stage in landmarks:
                reached = next((t for t, name in marks if t >= at and name == landmark), at)
                took.setdefault(stage, []).append((reached - at) * 1000)
                at = reached
        took.setdefault(LAST, []).append((seen[first] - at) * 1000)
    return {stage: round(median(values), 3) for stage, values in took.items()}


def load(directory: Path) -> Marks:
    """What a node noted until it stopped."""
    return msgspec.json.decode((directory / MARKS).read_bytes(), type=Marks)


def _before(owner: Any, name: str, note: Callable[[], None]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def noted(*args: Any, **kwargs: Any) -> Any:
        note()
        return original(*args, **kwargs)

    setattr(owner, name, noted)


def _after(owner: Any, name: str, note: Callable[[], None]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    async def noted(*args: Any, **kwargs: Any) -> Awaitable[Any]:
        result: Awaitable[Any] = await original(*args, **kwargs)
        note()
        return result

    setattr(owner, name, noted)


def _set_landmarks(marks: Marks) -> None:
    import trio

    from whatnext.net.streams import Stream
    from whatnext.node.api.app import App
    from whatnext.store import Library

    def note(name: str) -> Callable[[], None]:
        return lambda: marks.append((time.perf_counter(), name))

    _after(trio.SocketStream, "receive_some", note("socket read"))
    _before(App, "__call__", note("request"))
    _before(Library, "write_all", note("write"))
    _before(Library, "_announce", note("durable"))
    _before(trio.SocketStream, "send_all", note("socket write"))
    _after(Stream, "receive_some", note("stream read"))


def main(arguments: list[str]) -> int:
    """Run `whatnext` with landmarks."""
    from whatnext.cli.main import run, split_globals

    profile = split_globals(arguments)[1]
    marks: Marks = []
    _set_landmarks(marks)
    if profile is not None:
        atexit.register(lambda: (profile / MARKS).write_bytes(msgspec.json.encode(marks)))
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
