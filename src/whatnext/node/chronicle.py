"""What the network, mDNS and the sync links tell, written into the peers' timelines in words for people."""

import logging
from collections.abc import Callable

from whatnext.net.addresses import Kind, kind_of
from whatnext.net.events import Connected, Disconnected, PathChanged
from whatnext.net.mdns import Event as MdnsEvent
from whatnext.net.mdns import Found as Discovered
from whatnext.net.mdns import Lost
from whatnext.net.observing import (
    DialFailed,
    Dialling,
    DialWon,
    Found,
    HandshakeFailed,
    Identified,
    Muxed,
    Observation,
    Refused,
    Secured,
)
from whatnext.node.timeline import MAX_TEXT, Life, Step, Timelines
from whatnext.sync.events import (
    Event,
    JoinAccepted,
    JoinRefused,
    LinkEnded,
    Offence,
    PeerHandshaken,
    PlaylistInSync,
    PlaylistRefused,
)

_log = logging.getLogger(__name__)

MAX_IN_SYNC = 32
"""Playlists told as in sync in one life; a peer that shares hundreds makes no hundred steps."""

_PLACES = {
    Kind.RELAY: "through a relay",
    Kind.PUBLIC: "directly",
    Kind.LAN: "on this network",
    Kind.LOOPBACK: "on this device",
}
_DIRECTIONS = {"in": "it dialled us", "out": "we dialled it"}


class Chronicle:
    """Writes the timelines; `now` is a monotonic clock in seconds, `tell` hears of each step."""

    def __init__(self, now: Callable[[], float], tell: Callable[[str, Life, Step], None]) -> None:
        self.timelines = Timelines(now, tell)
        self._in_sync: dict[str, set[bytes]] = {}
        self.title: Callable[[bytes], str] = lambda playlist: playlist.hex()[:8]
        """How a playlist is called; the node puts in what knows."""

    def on_mdns(self, event: MdnsEvent) -> None:
        """A neighbour came, went quiet or left; those of other programs are none of ours."""
        if isinstance(event, Discovered) and event.whatnext:
            count = len(event.addresses)
            first = event.addresses[0] if event.addresses else None
            self._add(
                event.peer, "discovered", f"on this network, {_counted(count, 'address')}", address=first
            )
        elif isinstance(event, Lost) and self.timelines.lives(event.peer):
            self._add(event.peer, "gone", "from this network")

    def observe(self, observation: Observation) -> None:
        """For `open_network`."""
        match observation:
            case Dialling(peer=peer, address=address):
                self._add(peer, "dialling", address=address)
            case DialFailed(peer=peer, address=address, reason=why, code=code, took_ms=took):
                kind = {"not_tried": "not tried", "given_up": "given up"}.get(code, "failed")
                self._add(peer, kind, why, address=address, took_ms=took if code != "not_tried" else None)
            case DialWon(peer=peer, address=address, took_ms=took):
                self._add(peer, "dialled", "all of it took", address=address, took_ms=took)
            case Connected(peer=peer, address=address, direction=direction):
                self._add(peer, "connected", f"{_DIRECTIONS[direction]}, {_where(address)}", address=address)
            case PathChanged(peer=peer, address=address):
                self._add(peer, "path", f"another connection is used now, {_where(address)}", address=address)
            case Disconnected(peer=peer, reason=why):
                self._in_sync.pop(peer, None)
                self._add(peer, "lost", why)
            case Secured() | Muxed() | HandshakeFailed() | Identified():
                self._on_handshake(observation)
            case Found(peer=peer, way=way, addresses=addresses, reason=reason, took_ms=took):
                if addresses:
                    self._add(peer, "found", f"{way}: {_counted(len(addresses), 'address')}", took_ms=took)
                else:
                    self._on_silence(peer, f"{way}: {reason or 'nothing known'}", took)
            case Refused(peer=str(peer), address=address, code=code, reason=why):
                self._add(peer, "refused", f"{code}: {why}", address=address)

    def _on_silence(self, peer: str, text: str, took_ms: float) -> None:
        """Once for each life: a way that cannot work here says so at every try."""
        step = ("not found", text[:MAX_TEXT])
        life = self.timelines.current(peer)
        if life is None or step not in [(each.kind, each.text) for each in [*life.first, *life.last]]:
            self._add(peer, *step, took_ms=took_ms)

    def _on_handshake(self, observation: Secured | Muxed | HandshakeFailed | Identified) -> None:
        match observation:
            case Secured(peer=peer, address=address, direction=direction, took_ms=took):
                self._add(peer, "secured", f"Noise, {_DIRECTIONS[direction]}", address=address, took_ms=took)
            case Muxed(peer=peer, address=address, muxer=muxer, took_ms=took):
                self._add(peer, "muxed", muxer, address=address, took_ms=took)
            case HandshakeFailed(peer=str(peer), direction="in", stage=stage, reason=why, took_ms=took):
                self._add(peer, "failed", f"{stage}: {why}", address=observation.address, took_ms=took)
            case Identified(peer=peer, agent=agent, protocols=protocols):
                spoken = _counted(len(protocols), "protocol")
                self._add(peer, "identified", f"{agent[:80]}, {spoken}" if agent else spoken)

    def on_sync(self, event: Event) -> None:
        """For `Hub.listen`."""
        match event:
            case PeerHandshaken(peer=peer, name=name, agent=agent):
                self._in_sync.pop(peer, None)
                self._add(peer, "handshaken", f"{name[:80] or 'no name'}, {agent[:80]}")
            case PlaylistInSync(peer=peer, playlist=playlist):
                self._on_playlist_in_sync(peer, playlist)
            case JoinAccepted(peer=peer, playlist=playlist):
                self._add(peer, "joined", self.title(playlist))
            case (
                JoinRefused(peer=peer, playlist=playlist, sentence=why)
                | PlaylistRefused(peer=peer, playlist=playlist, sentence=why)
            ):
                self._add(peer, "refused", f"{self.title(playlist)}: {why}")
            case Offence(peer=peer, kind=kind, detail=detail):
                self._add(peer, "offence", f"{kind}: {detail}")
            case LinkEnded(peer=peer, reason=why):
                if self.timelines.lives(peer):
                    self._add(peer, "unlinked", why)

    def _on_playlist_in_sync(self, peer: str, playlist: bytes) -> None:
        """Once for each playlist and link: every change ends in such an event."""
        told = self._in_sync.get(peer)
        if told is None:
            if not self.timelines.is_connected(peer):
                return
            told = self._in_sync[peer] = set()
        if playlist in told or len(told) >= MAX_IN_SYNC:
            return
        told.add(playlist)
        self._add(peer, "in sync", self.title(playlist))

    def _add(
        self,
        peer: str,
        kind: str,
        text: str = "",
        *,
        address: str | None = None,
        took_ms: float | None = None,
    ) -> None:
        text = text.replace(peer, "it")  # its own timeline need not spell it out
        _log.debug("%s %s", kind, text or address, extra={"peer": peer})
        self.timelines.add(peer, kind, text, address=address or None, took_ms=took_ms)


def _where(address: str) -> str:
    return _PLACES[kind_of(address)]


def _counted(count: int, what: str) -> str:
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    return f"{count} {what if count == 1 else plural}"
