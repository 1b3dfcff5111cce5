"""`bench trace FILE`: a real edit history, replayed by one device alone and by four that edit while apart.

The file (gzip or plain JSON) is `{name, tracks: {id: {title, artists, album, duration_s}}, revisions: [{at, tracks:
[ids in order]}]}`. Each step between two revisions becomes the fewest removals, additions and moves.
"""

import gzip
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec

from whatnext.bench.chance import seeded
from whatnext.bench.device import Device, meet, raw_id, share
from whatnext.bench.progress import say
from whatnext.bench.revisions import Edit, Occurrence, edits_between, occurrences
from whatnext.errors import UNREADABLE, BadFile
from whatnext.playlists.requests import TrackInput

NAMES = ("kitchen", "studio", "van", "attic")


class TracedTrack(msgspec.Struct, frozen=True):
    """A track of the file; `duration_s` is seconds."""

    title: str
    artists: list[str] = []
    album: str = ""
    duration_s: int | None = None


class Revision(msgspec.Struct, frozen=True):
    """The list at one time: track ids in order."""

    tracks: list[str]


class Trace(msgspec.Struct, frozen=True):
    """An edit history."""

    name: str
    tracks: dict[str, TracedTrack]
    revisions: list[Revision]


class TraceReport(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds`: four devices from the first edit until all are equal, `converge_s` of it after the last edit.

    `same_order`: the device alone ends with the file's last revision, and the four agree on one order.
    """

    bench: str = "trace"
    name: str
    devices: int
    revisions: int
    edits: int
    apart: int
    meetings: int
    converged: bool
    same_order: bool
    same_tracks: bool
    seconds: float
    converge_s: float
    edits_per_s: float
    bytes: int
    bytes_per_edit: float
    alone_s: float
    alone_edits_per_s: float


class Replay:
    """Devices that share one playlist and make a history's edits, each edit on one of them."""

    def __init__(self, trace: Trace, devices: list[Device], rng: Random, every: int) -> None:
        self.bytes = self.meetings = self.apart = self.edits = 0
        self._devices = devices
        self._trace = trace
        self._rng = rng
        self._every = every
        self._ids: dict[Occurrence, str] = {}
        self._tracks: dict[str, str] = {}
        self._playlist = devices[0].create(trace.name)
        share(devices[0], devices[1:], self._playlist)

    def run(self) -> None:
        """Make every edit on some device that sees what it is about; two devices meet now and then."""
        for number, (target, edits) in enumerate(steps(self._trace), 1):
            for edit in edits:
                self._make(edit, target)
                if len(self._devices) > 1 and self._rng.randrange(self._every) == 0:
                    self._meet(*self._rng.sample(self._devices, 2))
            if number % 100 == 0:
                say(f"  revision {number} of {len(self._trace.revisions)}, {self.edits} edits")

    def settle(self) -> None:
        """Meet along a line, there and back, which brings everything everywhere."""
        pairs = list(zip(self._devices, self._devices[1:], strict=False))
        for one, other in [*pairs, *reversed(pairs)]:
            self._meet(one, other)

    def is_equal(self) -> bool:
        """Whether all devices hold the same records and show the same playlist."""
        shown = [(d.heads(self._playlist), d.show(self._playlist)) for d in self._devices]
        return all(each == shown[0] for each in shown)

    def order(self, device: int = 0) -> list[str]:
        """Track ids of the trace as a device orders them."""
        return [self._tracks[entry] for entry in self._devices[device].order(self._playlist)]

    def _make(self, edit: Edit, target: list[Occurrence]) -> None:
        device = self._editor(edit)
        self.edits += 1
        self.apart += self._is_behind(device)
        if edit.kind == "remove":
            device.remove(self._playlist, self._ids.pop(edit.key))
            return
        after = self._anchor(edit, target, device)
        if edit.kind == "move":
            device.move(self._playlist, self._ids[edit.key], after)
            return
        track = _input(self._trace.tracks[edit.key.track])
        self._ids[edit.key] = device.add(self._playlist, [track], after, first=after is None)[0]
        self._tracks[self._ids[edit.key]] = edit.key.track

    def _editor(self, edit: Edit) -> Device:
        """A device by chance; for an entry that it does not see yet, one that does: nobody moves the unseen."""
        for device in self._rng.sample(self._devices, len(self._devices)):
            if edit.kind == "add" or device.sees(self._playlist, self._ids[edit.key]):
                return device
        raise AssertionError("the device that added an entry always sees it")

    def _anchor(self, edit: Edit, target: list[Occurrence], device: Device) -> str | None:
        """Entry to stand behind: the nearest before it in the target that this device sees."""
        for key in reversed(target[: target.index(edit.key)]):
            entry = self._ids.get(key)
            if entry is not None and device.sees(self._playlist, entry):
                return entry
        return None

    def _is_behind(self, device: Device) -> bool:
        """Whether the device lacks an edit that was made before."""
        own = device.library.heads(raw_id(self._playlist))
        return any(
            log not in own or own[log].seq < head.seq
            for other in self._devices
            for log, head in other.library.heads(raw_id(self._playlist)).items()
        )

    def _meet(self, one: Device, other: Device) -> None:
        self.meetings += 1
        self.bytes += meet(one, other)


def steps(trace: Trace) -> Iterator[tuple[list[Occurrence], list[Edit]]]:
    """Each revision with the edits that lead to it from the one before; a track that stands twice is two entries."""
    before: list[Occurrence] = []
    for revision in trace.revisions:
        target = occurrences(revision.tracks)
        yield target, edits_between(before, target)
        before = target


def load(file: Path) -> Trace:
    """Read a trace; raises `BadFile`."""
    try:
        raw = file.read_bytes()
        return msgspec.json.decode(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw, type=Trace)
    except OSError as error:
        raise BadFile(f"{file} cannot be read: {error.strerror or error}") from error
    except (*UNREADABLE, EOFError, zlib.error) as error:
        raise BadFile(f"{file} is no trace ({error}): see `whatnext bench trace --help`") from error


def measure(file: Path, devices: int, every: int, seed: int) -> TraceReport:
    """Replay a trace on one device, then on several; databases on disk, as a node has them."""
    trace = load(file)
    with TemporaryDirectory(prefix="whatnext-bench-") as directory:
        say(f"{trace.name}: {len(trace.revisions)} revisions on one device")
        alone, alone_s, _ = _replay(trace, 1, every, seed, Path(directory))
        say(f"{trace.name}: the same on {devices} devices that meet every {every} edits or so")
        several, seconds, converge_s = _replay(trace, devices, every, seed, Path(directory))
    last = trace.revisions[-1].tracks
    orders = [several.order(number) for number in range(devices)]
    return TraceReport(
        name=trace.name,
        devices=devices,
        revisions=len(trace.revisions),
        edits=several.edits,
        apart=several.apart,
        meetings=several.meetings,
        converged=several.is_equal(),
        same_order=alone.order() == last and all(order == orders[0] for order in orders),
        same_tracks=Counter(orders[0]) == Counter(last),
        seconds=round(seconds, 3),
        converge_s=round(converge_s, 4),
        edits_per_s=round(several.edits / seconds, 1),
        bytes=several.bytes,
        bytes_per_edit=round(several.bytes / several.edits, 1),
        alone_s=round(alone_s, 3),
        alone_edits_per_s=round(alone.edits / alone_s, 1),
    )


def _replay(trace: Trace, count: int, every: int, seed: int, directory: Path) -> tuple[Replay, float, float]:
    rng = seeded(seed)
    devices = [
        Device(NAMES[n % len(NAMES)], seeded(rng.random()), directory / f"{count}-{n}.db")
        for n in range(count)
    ]
    replay = Replay(trace, devices, rng, every)
    started = time.perf_counter()
    replay.run()
    edited = time.perf_counter()
    replay.settle()
    ended = time.perf_counter()
    return replay, ended - started, ended - edited


def _input(track: TracedTrack) -> TrackInput:
    seconds = track.duration_s
    return TrackInput(
        title=track.title,
        artists=track.artists,
        album=track.album,
        duration_ms=None if seconds is None else seconds * 1000,
    )
