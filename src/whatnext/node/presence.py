"""Who listens to what right now: this device tells its members, and remembers for a while what they tell."""

from typing import TYPE_CHECKING

import msgspec
import trio

from whatnext.config import Settings
from whatnext.errors import UserError
from whatnext.node.api.feed import Feed, PresenceEvent
from whatnext.node.presence_views import PresenceView, SetPresence, Share, Telling
from whatnext.playlists import references
from whatnext.playlists.requests import Nothing
from whatnext.records.ids import to_text
from whatnext.sync import Hub
from whatnext.sync.events import Event, LinkEnded, PeerPresence
from whatnext.sync.limits import PRESENCE_TIMEOUT_S

if TYPE_CHECKING:
    from whatnext.node.node import Node


class _Heard(msgspec.Struct, frozen=True):
    playlist: bytes
    entry: str
    until: float


class Presences:
    """One word of each linked peer, and our own; each ends by a word, with its link, or after a time."""

    def __init__(self, hub: Hub, feed: Feed, settings: Settings) -> None:
        """While `settings.tells_playing` is off, `tell` tells nobody."""
        self._hub = hub
        self._settings = settings
        self._feed = feed
        self._heard: dict[str, _Heard] = {}
        self._own: _Heard | None = None
        self._changed = trio.Event()
        hub.listen(self._on_event)

    def listing(self) -> list[PresenceView]:
        """What members listen to."""
        return [
            PresenceView(peer=peer, playlist=to_text(each.playlist), entry=each.entry)
            for peer, each in sorted(self._heard.items())
        ]

    def tell(self, playlist: bytes | None, entry: str | None) -> None:
        """Tell members what is played here, in place of what was."""
        if not self._settings.tells_playing:
            playlist = entry = None
        before = self._own
        if before is not None and (entry is None or before.playlist != playlist):
            self._hub.present(before.playlist, None)
        self._own = None
        if playlist is not None and entry is not None:
            self._own = _Heard(playlist, entry, trio.current_time() + PRESENCE_TIMEOUT_S)
            self._hub.present(playlist, entry)
        self._changed.set()

    def share(self, *, on: bool) -> None:
        """Tell from now on; or take back what was told, and tell nothing.

        Raises `StoreUnwritable` when that cannot be kept; what was told is taken back all the same.
        """
        if not on:
            self.tell(None, None)
        self._settings.tell_playing(on=on)

    async def run(self) -> None:
        """End what was not said again in time, until cancelled."""
        while True:
            self._changed = trio.Event()
            now = trio.current_time()
            for peer in [peer for peer, each in self._heard.items() if each.until <= now]:
                self._end(peer)
            if self._own is not None and self._own.until <= now:
                self.tell(None, None)
            kept = [*self._heard.values(), *([self._own] if self._own is not None else [])]
            with trio.move_on_at(min((each.until for each in kept), default=float("inf"))):
                await self._changed.wait()

    def _on_event(self, event: Event) -> None:
        match event:
            case PeerPresence(peer=peer, playlist=playlist, entry=str(entry)):
                self._note(peer, _Heard(playlist, entry, trio.current_time() + PRESENCE_TIMEOUT_S))
            case PeerPresence(peer=peer, playlist=playlist):
                before = self._heard.get(peer)
                if before is not None and before.playlist == playlist:
                    self._end(peer)
            case LinkEnded(peer=peer, code=code) if code != "replaced":
                self._end(peer)

    def _note(self, peer: str, heard: _Heard) -> None:
        before = self._heard.get(peer)
        self._heard[peer] = heard
        self._changed.set()
        if before is not None and before.playlist != heard.playlist:
            self._say(peer, before.playlist, None)
        if before is None or (before.playlist, before.entry) != (heard.playlist, heard.entry):
            self._say(peer, heard.playlist, heard.entry)

    def _end(self, peer: str) -> None:
        before = self._heard.pop(peer, None)
        if before is not None:
            self._say(peer, before.playlist, None)

    def _say(self, peer: str, playlist: bytes, entry: str | None) -> None:
        self._feed.on_presence(PresenceEvent(peer=peer, playlist=to_text(playlist), entry=entry))


async def listed(node: "Node", _: Nothing) -> list[PresenceView]:
    """What members listen to right now."""
    return node.presences.listing()


async def tell(node: "Node", asked: SetPresence) -> list[PresenceView]:
    """Tell members what is played here."""
    if asked.entry is None:
        node.presences.tell(None, None)
        return node.presences.listing()
    if asked.playlist is None:
        raise UserError("say which playlist the entry is in")
    playlist = references.playlist(node.playlists, asked.playlist)
    node.presences.tell(playlist, references.one_entry(node.playlists, playlist, asked.entry))
    return node.presences.listing()


async def show(node: "Node", _: Nothing) -> Telling:
    """Whether members are told what is played here."""
    return Telling(on=node.settings.tells_playing)


async def share(node: "Node", asked: Share) -> Telling:
    """Tell members what is played here, or nothing any more."""
    node.presences.share(on=asked.on)
    return await show(node, Nothing())
