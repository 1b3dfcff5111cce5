"""All links of a node: one per peer, woken by every commit, shown to the user interface as one state."""

import os
from collections.abc import Callable

import msgspec
import trio

from whatnext.store import Change, Library
from whatnext.sync import frames
from whatnext.sync.discipline import Discipline, Verdict
from whatnext.sync.driver import Link, Stream
from whatnext.sync.events import Event, LinkEnded, Offence, PlaylistInSync
from whatnext.sync.feed import Feed
from whatnext.sync.metrics import Traffic
from whatnext.sync.session import Greeting, Session
from whatnext.sync.share import PlaylistStatus

FEED_CAPACITY = 256
MAX_LINKS = 256
"""Far above what the connection manager lets in; a bound in case it does not."""
PARTING_S = 3.0
"""Seconds that `close` waits for goodbyes to go out."""


class PeerStatus(msgspec.Struct, frozen=True):
    """One link as the user interface shows it; `phase` is "connected" until both sides said hello."""

    peer: str
    phase: str
    name: str
    agent: str
    playlists: list[PlaylistStatus]
    traffic: Traffic
    skew_ms: int | None
    """How far the peer's clock is ahead of ours; None before its hello."""


def opens_stream(own: str, peer: str) -> bool:
    """Whether we are the side that opens the sync stream: the one with the smaller PeerID, so that there is one."""
    return own < peer


class Hub:
    """Runs links and keeps their peers' conduct; all calls from the one trio thread that owns the library."""

    def __init__(
        self,
        library: Library,
        *,
        name: Callable[[], str],
        agent: str,
        nonce: Callable[[int], bytes] = os.urandom,
        discipline: Discipline | None = None,
    ) -> None:
        self.discipline = discipline or Discipline()
        self._library = library
        self._name = name
        self._agent = agent
        self._nonce = nonce
        self._links: dict[str, Link] = {}
        self._feeds: list[Feed] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._past = Traffic()
        self._closing = False
        self._empty = trio.Event()
        self._unsubscribe = library.subscribe(self._on_change)

    async def attach(self, stream: Stream) -> LinkEnded:
        """Run a link over a stream to a peer until it ends; says why. A newer stream takes an older one's place.

        Cancelling resets the stream; nothing is lost. Never raises for what the peer or the path does.
        """
        refusal = self._refusal(stream.peer)
        if refusal is not None:
            await stream.reset()
            self._publish(refusal)
            return refusal
        link = self._begin(stream)
        ended = LinkEnded(stream.peer, "cancelled", "this device dropped the link")
        try:
            ended = await link.run()
        finally:
            self._past.add(link.session.traffic)
            if self._links.get(stream.peer) is link:
                del self._links[stream.peer]
            if self._closing and not self._links:
                self._empty.set()
            self._publish(ended)
        return ended

    def _refusal(self, peer: str) -> LinkEnded | None:
        seconds = self.discipline.blocked_for(peer, trio.current_time())
        if seconds > 0:
            return LinkEnded(
                peer, "blocked", f"the peer sent invalid data before: it stays blocked for {seconds:.0f} s"
            )
        if peer == self._library.identity.peer_id:
            return LinkEnded(peer, "self", "this is our own key: was the profile copied to another device?")
        if self._closing:
            return LinkEnded(peer, "shutdown", "this node is shutting down")
        if len(self._links) >= MAX_LINKS and peer not in self._links:
            return LinkEnded(peer, "full", f"{MAX_LINKS} peers are linked already")
        return None

    def _begin(self, stream: Stream) -> Link:
        peer = stream.peer
        greeting = Greeting(self._name(), self._agent, self._nonce(frames.NONCE_BYTES))
        session = Session(self._library, peer, greeting, trio.current_time(), self.discipline)
        link = Link(stream, session, self._on_events)
        older = self._links.get(peer)
        if older is not None:
            older.abandon("replaced", "the peer opened a newer link")
        self._links[peer] = link
        return link

    async def close(self) -> None:
        """Say goodbye on every link, and stop listening to the library; `attach` calls return by themselves."""
        self._closing = True
        self._unsubscribe()
        for link in list(self._links.values()):
            link.close("shutdown", "the node shuts down")
        if not self._links:
            return
        with trio.move_on_after(PARTING_S):
            await self._empty.wait()

    def disconnect(self, peer: str, code: str, reason: str) -> bool:
        """Say goodbye on one link; return whether there was one."""
        link = self._links.get(peer)
        if link is None:
            return False
        link.close(code, reason)
        return True

    def present(self, playlist: bytes, entry: str | None) -> None:
        """Tell the linked members of a playlist what is played here; None: nothing any more."""
        for link in self._links.values():
            link.session.present(playlist, entry)
            link.wake()

    def status(self) -> list[PeerStatus]:
        """Every linked peer with the state of each shared playlist."""
        return [_status(link.session) for _, link in sorted(self._links.items())]

    def phases(self) -> list[str]:
        """The phase of each link."""
        return [str(link.session.phase) for link in self._links.values()]

    def traffic(self) -> Traffic:
        """Counters of all links since the start, ended ones included."""
        total = self._past.copy()
        for link in self._links.values():
            total.add(link.session.traffic)
        return total

    def subscribe(self, capacity: int = FEED_CAPACITY) -> Feed:
        """Events from now on; use it in a `with` block."""
        feed = Feed(capacity, self._feeds.remove)
        self._feeds.append(feed)
        return feed

    def listen(self, callback: Callable[[Event], None]) -> None:
        """Call back with every event, in the same loop pass and none left out; it must be quick and must not raise."""
        self._listeners.append(callback)

    def _on_change(self, change: Change) -> None:
        for link in self._links.values():
            link.session.notify(change)
            link.wake()

    def _on_events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Offence):
                self._judge(event)
            elif isinstance(event, PlaylistInSync):
                self._library.departed(event.playlist)
            self._publish(event)

    def _judge(self, offence: Offence) -> None:
        verdict = self.discipline.report(offence.peer, offence.kind, trio.current_time())
        link = self._links.get(offence.peer)
        if verdict is not Verdict.TOLERATE and link is not None:
            code = "blocked" if verdict is Verdict.BLOCK else "offence"
            link.close(code, f"{offence.kind.replace('_', ' ')}: {offence.detail}")

    def _publish(self, event: Event) -> None:
        for listen in self._listeners:
            listen(event)
        for feed in self._feeds:
            feed.put(event)


def _status(session: Session) -> PeerStatus:
    hello = session.hello
    return PeerStatus(
        peer=session.peer,
        phase=str(session.phase),
        name=hello.name if hello else "",
        agent=hello.agent if hello else "",
        playlists=session.playlists(),
        traffic=session.traffic.copy(),
        skew_ms=session.skew_ms,
    )
