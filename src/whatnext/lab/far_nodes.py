"""Three whole nodes far from each other, all connected or in a line, and edits that are timed on their way."""

import json
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from whatnext.bench.material import tracks
from whatnext.bench.wire import Caller, Watcher, ready_sockets
from whatnext.errors import WhatNextError
from whatnext.lab.lab import Lab
from whatnext.lab.lan import Lan
from whatnext.lab.pacing import Quality
from whatnext.lab.whole_node import WholeNode, wait_until

Shape = Literal["mesh", "line"]
"""A, B and C on one network, all connected; or A–B and B–C on two, with no way from A to C but through B."""

LOST_S = 30.0
_SETTLE_S = 60.0
_LISTEN = ("--no-mdns", "--listen", "/ip4/0.0.0.0/tcp/4101")
_FORMER = 5
"""Edits before the first that is timed: they teach a mesh who is fed by whom."""


class FarNodes:
    """The three nodes, on a playlist of A's. `rtt_s` is between two on one network, `loss` (0 to 1) each way."""

    def __init__(self, lab: Lab, top: Path, shape: Shape, rtt_s: float, loss: float) -> None:
        quality = Quality(delay_s=rtt_s / 4, loss=loss / 2)  # a frame passes two links
        names = ("a", "b", "c")
        hosts = [lab.host(name) for name in names]
        groups = [hosts] if shape == "mesh" else [hosts[:2], hosts[1:]]
        for number, group in enumerate(groups):
            lan: Lan = lab.lan(f"network {number}")
            for host in group:
                lan.attach(host, quality, seed=ord(host.name) + number)
        self.shape = shape
        self.a, self.b, self.c = self.all = [WholeNode(host, top / host.name, *_LISTEN) for host in hosts]
        for node in self.all:
            node.launch()
        for node in self.all:
            node.wait_ready()
        self.playlist: str = self.a.ask("playlist.create", name="Kitchen")["id"]
        self.joined_s = self._share()

    def _share(self) -> float:
        """Let B and C in, connect what is to be connected; seconds B's joining took."""
        link = self.a.ask("invite.create", playlist=self.playlist, role="editor")["link"]
        began = time.perf_counter()
        self.b.ask("join", link=link, name="B")
        wait_until(lambda: self._has(self.b), _SETTLE_S, "B has the playlist", look_s=0.005)
        took = time.perf_counter() - began
        self.connect_c_with(self.b)
        if self.shape == "mesh":
            self.connect_c_with(self.a)
        self.c.ask("join", link=link, name="C")
        links = (
            {self.a: 2, self.b: 2, self.c: 2} if self.shape == "mesh" else {self.a: 1, self.b: 2, self.c: 1}
        )
        wait_until(
            lambda: all(self._in_sync(node) >= wanted for node, wanted in links.items()),
            _SETTLE_S,
            "everybody is in sync with all it is to be connected to",
        )
        return took

    def connect_c_with(self, other: WholeNode) -> None:
        """C dials another one on the network that it is on."""
        network = self.c.host.address.rpartition(".")[0]
        address = next(each for each in other.addresses if each.startswith(f"/ip4/{network}."))
        self.c.ask("connect", target=address)

    def _has(self, node: WholeNode) -> bool:
        return any(p["id"] == self.playlist and p["state"] == "here" for p in node.ask("playlist.list"))

    def _in_sync(self, node: WholeNode) -> int:
        shown = next((p for p in node.ask("node.status")["playlists"] if p["id"] == self.playlist), None)
        return 0 if shown is None else sum(peer["state"] == "in sync" for peer in shown["peers"])

    def round_trip_s(self, probes: int = 11) -> float:
        """Median of bare UDP packets from A to B and back, those that are not lost."""

        def bound(host_address: str) -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((host_address, 0))
            made.settimeout(2.0)
            return made

        here = self.a.host.inside(partial(bound, self.a.host.address))
        there = self.b.host.inside(partial(bound, self.b.host.address))
        took: list[float] = []
        with here, there:
            while len(took) < probes:
                began = time.perf_counter()
                try:
                    here.sendto(b"?", there.getsockname())
                    there.sendto(b"!", there.recvfrom(9)[1])
                    here.recv(9)
                except TimeoutError:
                    continue
                took.append(time.perf_counter() - began)
        return statistics.median(took)

    def bytes_sent(self) -> int:
        """What the three have put on their networks so far, whole frames: acknowledgements and repetitions too."""
        total = 0
        for node in self.all:
            assert node.process is not None
            devices = Path(f"/proc/{node.process.pid}/net/dev").read_text("ascii").splitlines()
            total += sum(int(line.split()[9]) for line in devices if line.lstrip().startswith("eth"))
        return total

    def reconnect_s(self) -> float:
        """C leaves B and dials it again: seconds from the command until C has the playlist in sync with it."""
        self.c.ask("disconnect", peer=self.b.peer)
        wait_until(
            lambda: not any(p["peer"] == self.c.peer and p["connected"] for p in self.b.ask("peers.list")),
            _SETTLE_S,
            "B sees that C has left",
        )
        watching = self.c.host.inside(partial(Watcher, self.c))
        began = time.perf_counter()
        self.connect_c_with(self.b)
        told = watching.wait("peer", LOST_S, state="in sync", peer=self.b.peer, playlist=self.playlist)
        watching.close()
        return told.at - began


class Edits:
    """Adds tracks on A, one a record, and sees when B and C tell of each on their feeds. Every method blocks."""

    def __init__(self, nodes: FarNodes) -> None:
        self._playlist = nodes.playlist
        self._caller = nodes.a.host.inside(partial(Caller, nodes.a))
        self._watchers = [node.host.inside(partial(Watcher, node)) for node in (nodes.b, nodes.c)]
        self._tracks = tracks()
        self._selector = selectors.DefaultSelector()
        self._feeds = [0, 0]
        self._step = 0
        self._readers: list[Caller | Watcher] = [self._caller, *self._watchers]
        for reader in self._readers:
            self._selector.register(reader.socket, selectors.EVENT_READ, reader)
        for _ in range(_FORMER):
            before = list(self._feeds)
            self.calm(1, 0.5)
            steps = {now - then for now, then in zip(self._feeds, before, strict=True)}
        [self._step] = (
            steps  # how much one more track moves a feed: with it, a batch of several can be told apart
        )

    def close(self) -> None:
        """Close all connections."""
        self._selector.close()
        for reader in self._readers:
            reader.close()

    def calm(self, count: int, pause_s: float) -> list[list[float]]:
        """So many edits, each `pause_s` after the one before has arrived everywhere; seconds to B and to C."""
        took: list[list[float]] = [[], []]
        for _ in range(count):
            time.sleep(pause_s)
            self._drain()
            began = time.perf_counter()
            self._send()
            seen: list[float | None] = [None, None]
            for number, at in self._told(began + LOST_S):
                seen[number] = seen[number] or at - began
                if None not in seen:
                    break
            for number, each in enumerate(seen):
                assert each is not None
                took[number].append(each)
        return took

    def hurried(self, count: int, every_s: float) -> list[list[float]]:
        """So many edits, one every `every_s` whatever has arrived; seconds to B and to C."""
        time.sleep(1.0)
        self._drain()
        first = list(self._feeds)
        began = time.perf_counter()
        sent: list[float] = []
        took: list[list[float]] = [[], []]
        while len(sent) < count or any(len(each) < count for each in took):
            if len(sent) < count and time.perf_counter() >= began + len(sent) * every_s:
                sent.append(time.perf_counter())
                self._send()
            limit = began + len(sent) * every_s if len(sent) < count else sent[-1] + LOST_S
            for number, at in self._told(limit, patient=len(sent) == count):
                arrived = (self._feeds[number] - first[number]) // self._step
                took[number] += [at - sent[n] for n in range(len(took[number]), arrived)]
                if all(len(each) == count for each in took):
                    break
        return took

    def _send(self) -> None:
        """Ask A for one more track; its answer is read with the events."""
        request = {"playlist": self._playlist, "tracks": [msgspec.to_builtins(next(self._tracks))]}
        self._caller.send("playlist.add", json.dumps(request).encode())

    def _drain(self) -> None:
        for _ in self._told(time.perf_counter() + 0.05, patient=False):
            pass

    def _told(self, until: float, *, patient: bool = True) -> Iterator[tuple[int, float]]:
        """Changes as watchers (0: B, 1: C) tell of them, and when. Raises `WhatNextError` at `until` if `patient`."""
        while (left := until - time.perf_counter()) > 0:
            for reader in ready_sockets(self._selector, left):
                if isinstance(reader, Caller):
                    answer = reader.read()
                    if answer is not None and answer[0] != 200:
                        raise WhatNextError(f"A refused an edit: {answer[1]!r}")
                    continue
                assert isinstance(reader, Watcher)
                reader.read()
                number = self._watchers.index(reader)
                while reader.events:
                    event = reader.events.popleft()
                    if event.kind == "change":
                        self._feeds[number] = int(str(event.data["feed"]))
                        yield number, event.at
        if patient:
            raise WhatNextError(f"an edit of A did not arrive everywhere within {LOST_S:g} s")


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float
    max: float


def spread(seconds: Sequence[float]) -> Spread:
    """Nearest ranks."""
    ordered = sorted(seconds)
    ranks = (statistics.median(ordered), ordered[-(-len(ordered) * 95 // 100) - 1], ordered[-1])
    return Spread(*(round(each * 1000, 1) for each in ranks))
