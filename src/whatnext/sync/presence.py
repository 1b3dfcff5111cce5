"""Who listens to what right now: told to members over their links, kept by nobody (README.md)."""

from whatnext.rates import TokenBucket
from whatnext.sync import frames, limits
from whatnext.sync.events import PeerPresence
from whatnext.sync.frames import Presence
from whatnext.sync.rota import Rota


class PresenceOut:
    """What one link's peer is still to be told: the latest word for each playlist."""

    def __init__(self, rota: Rota, now: float) -> None:
        self._rota = rota
        self._owed: dict[bytes, str | None] = {}
        self._bucket = TokenBucket(limits.PRESENCE_PER_S, limits.PRESENCE_BURST, now)

    def owe(self, playlist: bytes, entry: str | None) -> None:
        """Tell this soon, in place of what was not told yet; nothing where the peer is no member."""
        if _member(self._rota, playlist):
            self._owed[playlist] = entry

    def frames(self, now: float) -> list[bytes]:
        """Frames to send now; whoever lost its place meanwhile hears nothing."""
        parts = []
        while self._owed and self._bucket.take(1, now):
            playlist = next(iter(self._owed))
            entry = self._owed.pop(playlist)
            if _member(self._rota, playlist):
                parts.append(frames.encode(Presence(playlist, entry)))
        return parts

    def wakes_at(self, now: float) -> float:
        """When there is something to send."""
        return now + self._bucket.wait(1, now) + 0.001 if self._owed else float("inf")


def heard(rota: Rota, peer: str, message: Presence) -> PeerPresence | None:
    """What a message tells; None from somebody who is no member of a playlist shared over this link."""
    if not _member(rota, message.playlist):
        return None
    return PeerPresence(peer, message.playlist, message.entry)


def _member(rota: Rota, playlist: bytes) -> bool:
    share = rota.share(playlist)
    return share is not None and share.is_member()
