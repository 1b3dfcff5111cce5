"""Two homes behind routers, the internet between them, and relays on it: what a relay and hole punching are for."""

import enum
import subprocess
import time
from pathlib import Path
from typing import Any

from whatnext.errors import WhatNextError
from whatnext.identity import load_or_create
from whatnext.lab.host import Host
from whatnext.lab.lab import Lab
from whatnext.lab.lan import Link
from whatnext.lab.nat import NatKind
from whatnext.lab.whole_node import WholeNode, wait_until

INTERNET = "5.5.5.0/24"  # addresses that count as public; they exist only inside the lab
RELAY_PORT, NODE_PORT = 4001, 4101


class Router(enum.StrEnum):
    """What stands between a home and the internet."""

    NONE = "none"
    FULL_CONE = NatKind.FULL_CONE
    RESTRICTED = NatKind.RESTRICTED
    PORT_RESTRICTED = NatKind.PORT_RESTRICTED
    RANDOM = NatKind.RANDOM


class RelayHost:
    """A machine of the internet with `whatnext relay` on it; keeps its key and its port when started again."""

    def __init__(self, host: Host, link: Link, profile: Path) -> None:
        self.host = host
        self.link = link
        self.profile = profile
        profile.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.peer = load_or_create(profile).peer_id
        self.address = f"/ip4/{host.address}/tcp/{RELAY_PORT}/p2p/{self.peer}"
        self.process: subprocess.Popen[bytes] | None = None
        self.options: tuple[str, ...] = ()
        """More for its command line, from its next start."""

    def start(self) -> None:
        """Start it; who uses it tries until it answers."""
        listen = f"/ip4/0.0.0.0/tcp/{RELAY_PORT}"
        words = [
            "--profile",
            str(self.profile),
            "relay",
            "--listen",
            listen,
            "--ops-port",
            "0",
            *self.options,
        ]
        with (self.profile / "relay.log").open("ab") as log:
            self.process = self.host.python("-m", "whatnext", *words, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL, no goodbye."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self) -> str:
        """What it wrote."""
        return (self.profile / "relay.log").read_text("utf-8", errors="replace")


class Home:
    """A device with a whole node behind a router, or, with `Router.NONE`, on the internet itself."""

    def __init__(self, lab: Lab, internet: Any, name: str, router: Router, profile: Path) -> None:
        self.host = lab.host(name)
        self.router = router
        self.profile = profile
        lan = internet
        self.router_host: Host | None = None
        if router is not Router.NONE:
            lan = lab.lan(name)
            self.router_host = lab.nat(f"router of {name}", NatKind(router.value), lan, internet)
        self.link = lan.attach(self.host)
        self._devices = 1
        self.node = self._node(profile)

    def _node(self, profile: Path) -> WholeNode:
        listen = f"/ip4/0.0.0.0/tcp/{NODE_PORT}"
        return WholeNode(self.host, profile, "--no-mdns", "--listen", listen, "--log-level", "info")

    def begin_anew(self) -> None:
        """Put another device in the place of this one, with a profile of its own."""
        self.node.kill()
        self._devices += 1
        self.node = self._node(self.profile.with_name(f"{self.profile.name}-{self._devices}"))


class TwoHomes:
    """Anna's home and Ben's; Ben uses the relays, Anna comes by his invite."""

    def __init__(self, lab: Lab, anna: Router, ben: Router, directory: Path, relays: int = 1) -> None:
        internet = lab.lan("internet", INTERNET)
        self.relays = []
        for number in range(1, relays + 1):
            host = lab.host(f"relay {number}")
            self.relays.append(RelayHost(host, internet.attach(host), directory / f"relay-{number}"))
        self.anna = Home(lab, internet, "anna", anna, directory / "anna")
        self.ben = Home(lab, internet, "ben", ben, directory / "ben")
        self.playlist = ""

    def start(self) -> None:
        """Start everything; returns when every relay that Ben can use holds a place for him."""
        for relay in self.relays:
            if relay.process is None:
                relay.start()
            self.ben.node.command("relay", "add", relay.address)
        self.ben.node.launch()
        self.anna.node.launch()
        self.ben.node.wait_ready()
        self.anna.node.wait_ready()
        wanted = min(2, len(self.relays))
        wait_until(lambda: self.places() >= wanted, 30, "the relays hold places for Ben")

    def begin_anew(self) -> None:
        """Two new devices in the same homes, at the same relays."""
        self.anna.begin_anew()
        self.ben.begin_anew()
        self.start()

    def places(self) -> int:
        """How many relays hold a place for Ben."""
        return sum(relay["reservedUntil"] is not None for relay in self.ben.node.ask("relays.list"))

    def invite(self) -> str:
        """A playlist of Ben's with one track, and an invite to it."""
        made = self.ben.node.ask("playlist.create", name="Kitchen")
        self.playlist = made["id"]
        self.add(self.ben, ["Ben's first"])
        return str(self.ben.node.ask("invite.create", playlist=self.playlist, role="editor")["link"])

    def add(self, home: Home, titles: list[str]) -> None:
        """Add tracks on one device."""
        home.node.ask("playlist.add", playlist=self.playlist, tracks=[{"title": title} for title in titles])

    def titles(self, home: Home) -> list[str]:
        """Titles of the playlist as a device has it; none while it is not there."""
        if not any(p["id"] == self.playlist and p["state"] == "here" for p in home.node.ask("playlist.list")):
            return []
        return [e["title"] for e in home.node.ask("playlist.show", playlist=self.playlist)["entries"]]

    def path(self, home: Home) -> str | None:
        """How a device is connected to the other one now: `lan`, `direct`, `relay` or not at all."""
        other = self.ben if home is self.anna else self.anna
        known = home.node.ask("peers.list")
        return next((p["path"] for p in known if p["peer"] == other.node.peer), None)

    def carrier(self) -> str | None:
        """PeerID of the relay that carries Anna's connection to Ben, if one does."""
        known = self.anna.node.ask("peers.list")
        address = next((p["address"] for p in known if p["peer"] == self.ben.node.peer), None) or ""
        before, found, _ = address.partition("/p2p-circuit")
        return before.rpartition("/p2p/")[2] if found else None

    def paths(self) -> set[str | None]:
        """Both sides' view of their connection."""
        return {self.path(self.anna), self.path(self.ben)}

    def join(self, link: str) -> tuple[float, float]:
        """Anna joins; seconds until she has Ben's track, and until he has one of hers."""
        began = time.monotonic()
        self.anna.node.ask("join", link=link, name="Anna")
        wait_until(lambda: "Ben's first" in self.titles(self.anna), 30, "Anna has Ben's track")
        here = time.monotonic() - began
        self.add(self.anna, ["Anna's first"])
        wait_until(lambda: "Anna's first" in self.titles(self.ben), 30, "Ben has Anna's track")
        return here, time.monotonic() - began

    def exchange(self, word: str, within_s: float = 5.0) -> bool:
        """Whether an edit of each arrives at the other in time."""
        wanted = {f"Anna's {word}", f"Ben's {word}"}
        self.add(self.anna, [f"Anna's {word}"])
        self.add(self.ben, [f"Ben's {word}"])
        both = (self.anna, self.ben)
        try:
            wait_until(
                lambda: all(wanted <= set(self.titles(home)) for home in both), within_s, "edits arrive"
            )
        except WhatNextError:
            return False
        return True

    def wait_direct(self, within_s: float) -> float | None:
        """Seconds until both sides are connected directly, or None when they are not within so many."""
        began = time.monotonic()
        try:
            wait_until(lambda: self.paths() == {"direct"}, within_s, "they are connected directly")
        except WhatNextError:
            return None
        return time.monotonic() - began
