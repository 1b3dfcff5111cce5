"""Who listens to what right now: this device tells its members, and remembers for a while what they tell."""

from typing import TYPE_CHECKING

import msgspec
import trio

from whatnext.errors import UserError
from whatnext.node.api.feed import Feed, PresenceEvent
from whatnext.playlists import references
from whatnext.playlists.requests import Nothing, Request
from whatnext.records.ids import to_text
from whatnext.sync import Hub
from whatnext.sync.events import Event, LinkEnded, PeerPresence
from whatnext.sync.limits import PRESENCE_TIMEOUT_S

if TYPE_CHECKING:
    from whatnext.node.node import Node


class SetPresence(Request, frozen=True, kw_only=True):
    """Tell the members of a playlist which entry is played here; without an entry: nothing any more.

    It holds for 90 seconds: whoever plays on says it again every 30.
    """

    playlist: str | None = None
    entry: str | None = None


class PresenceView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member listens to an entry of a playlist."""

    peer: str
    playlist: str
    entry: str


class _Heard(msgspec.Struct, frozen=True):
    playlist: bytes
    entry: str
    until: float


class Presences:
    """One word of each linked peer, and our own; each ends by a word, with its link, or after a time."""

    def __init__(self, hub: Hub, feed: Feed) -> None:
        self._hub = hub
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
        before = self._own
        if before is not None and (entry is None or before.playlist != playlist):
            self._hub.present(before.playlist, None)
        self._own = None
        if playlist is not None and entry is not None:
            self._own = _Heard(playlist, entry, trio.current_time() + PRESENCE_TIMEOUT_S)
            self._hub.present(playlist, entry)
        self._changed.set()

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
