"""One playlist on one link: what the peer has of it, what it may see, and what it is still owed.

Level-triggered: nothing is queued. Whenever the library or the peer's heads change, the share compares again.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from whatnext.identity import public_key_of
from whatnext.records.codec import SignedRecord, decode
from whatnext.records.governance import governs, is_member
from whatnext.records.ids import LogKey
from whatnext.records.judge import NO_HEAD, Head
from whatnext.records.permissions import Standing
from whatnext.records.schema import REMOVED
from whatnext.store import Library
from whatnext.sync import admission, frames
from whatnext.sync.batches import took
from whatnext.sync.events import PlaylistState
from whatnext.sync.forwarding import Forwarding
from whatnext.sync.frames import Ack, Have, Heads, Join, Refuse


class Mode(StrEnum):
    """What the peer is to us in this playlist; decides what it is shown and what is taken from it."""

    MEMBER = "member"
    STRANGER = "stranger"
    """Knows the playlist's id, but nobody told us of its admission: sees the owner's heads, gives an introduction."""
    JOINING = "joining"
    """We are the newcomer and hold nothing: everything is taken from the member that lets us in."""
    REMOVED = "removed"


class PlaylistStatus(msgspec.Struct, frozen=True):
    """A share as the user interface shows it; pending counts are records, None while they cannot be known."""

    playlist: bytes
    state: PlaylistState
    standing: str | None
    """The peer's standing, as we know it."""
    pending_out: int | None
    pending_in: int | None
    refused: str | None
    """Code of the peer's refusal."""


class Share:
    """See the module."""

    def __init__(self, library: Library, playlist: bytes, peer: str, jitter: float) -> None:
        self.playlist = playlist
        self.peer = peer
        self.mode: Mode | None = None
        self.theirs: dict[LogKey, Head] | None = None
        self.partial = False
        self.refused: str | None = None
        self.turned_away: str | None = None
        """Why the peer, which does not know us, does not take our admission."""
        self.accepted = False
        self.was_in_sync = False
        self._library = library
        self._peer_key = public_key_of(peer)
        self._coming: dict[LogKey, Head] = {}
        self._blocked: set[LogKey] = set()
        self.forwarding = Forwarding(jitter)
        self._told = False
        self._shown: dict[LogKey, Head] = {}
        self._join_sent = False
        self._owes_refusal = False
        self._watched: set[bytes] = set()
        self._watched_heads: dict[LogKey, Head] = {}
        self._retry_on_change = False

    # What the library says

    def look(self) -> None:
        """Compare with the library anew: the peer's standing, and whether what was refused may now be offered again."""
        mode = self._current_mode()
        if mode != self.mode:
            self.mode = mode
            self.refused = self.turned_away = None  # what it refused was asked in another role
            self._told = False
            self._owes_refusal = mode is Mode.REMOVED
            if mode is Mode.REMOVED:
                self.theirs = None
        self._tell_if_watched_moved()

    def changed(self, *, reset: bool) -> None:
        """The library committed to this playlist; `reset`: heads were set back, the peer must hear all of them."""
        if reset or self._retry_on_change:
            self._retry_on_change = False
            self._told = False

    def standing(self) -> Standing | None:
        """The peer's place in the playlist, as we know it."""
        # Not `library.standing`: decoding the PeerID's text costs more than all the rest of a wake-up.
        return self._library.governance(self.playlist).standing(self._peer_key)

    def is_member(self) -> bool:
        """Whether the peer is a member, as we know it."""
        return is_member(self.standing())

    def _current_mode(self) -> Mode:
        standing = self.standing()
        if standing == REMOVED:
            return Mode.REMOVED
        if is_member(standing):
            return Mode.MEMBER
        introduced_by_peer = self.mode is Mode.JOINING and self._join_sent and self.refused is None
        if introduced_by_peer or self._library.owner(self.playlist) is None:
            return Mode.JOINING
        return Mode.STRANGER

    def watch(self, authors: Iterable[bytes]) -> None:
        """Records by these authors were refused: tell our heads again once that may have changed."""
        added = set(authors)
        if not added:
            return
        self._tell_if_watched_moved()
        self._watched |= added
        self._watched_heads = self._heads_of_watched()

    def _tell_if_watched_moved(self) -> None:
        if self._watched and self._heads_of_watched() != self._watched_heads:
            self._watched.clear()
            self._told = False

    def retry_on_change(self) -> None:
        """The library could not keep a batch: ask for it again at its next change."""
        self._retry_on_change = True

    def _heads_of_watched(self) -> dict[LogKey, Head]:
        owner = self._library.owner(self.playlist)
        heads = self._library.heads(self.playlist)
        return {
            log: head for log, head in heads.items() if log.author == owner or log.author in self._watched
        }

    # What goes out

    def control_frames(self, now: float) -> list[bytes]:
        """Frames that are owed and are no records: a refusal, heads, our request to join."""
        assert self.mode is not None
        if self.mode is Mode.REMOVED:
            owed, self._owes_refusal = self._owes_refusal, False
            return [frames.encode(self.refusal(REMOVED))] if owed else []
        owed_frames = []
        if not self._told and (self.refused is None or self.mode is Mode.JOINING):
            self._told = True
            self._shown = self._to_show()
            partial = self.mode is Mode.STRANGER
            owed_frames += frames.heads_frames(self.playlist, self._shown, partial=partial)
        if self.mode is Mode.JOINING and not self._join_sent:
            for playlist, record in self._library.joining():
                if playlist == self.playlist:
                    self._join_sent = True
                    owed_frames.append(frames.encode(Join(playlist, record)))
                    break
        return owed_frames + self._have(now)

    def _have(self, now: float) -> list[bytes]:
        """What the peer should know that we have, and will not be told by records."""
        if self.mode is not Mode.MEMBER or self.theirs is None or self.refused is not None or self.partial:
            self.forwarding.news_at = None
            return []
        news = {
            log: head
            for log, head in self._library.heads(self.playlist).items()
            if self._shown.get(log) != head
            and (
                not self._lacks(log, head) or (self.forwarding.fed_elsewhere and log.author != self._own_key)
            )
        }
        if not self.forwarding.tells(now, news=bool(news)):
            return []
        self._shown |= news
        return [frames.encode(Have(self.playlist, frames.group(news.items())))]

    def _lacks(self, log: LogKey, head: Head) -> bool:
        return (self.theirs or {}).get(log, NO_HEAD).seq < head.seq

    def refusal(self, code: str, serial: int | None = None) -> Refuse:
        """A refusal of this playlist with our own sentence."""
        return Refuse(self.playlist, code, admission.SENTENCES.get(code, code), serial)

    def _to_show(self) -> dict[LogKey, Head]:
        heads = self._library.heads(self.playlist)
        if self.mode is not Mode.STRANGER:
            return dict(heads)
        owner = self._library.owner(self.playlist)
        return {log: head for log, head in heads.items() if log.author == owner}

    def next_batch(self, max_records: int, max_bytes: int, now: float) -> list[SignedRecord]:
        """What the peer lacks and may have, in an order that counts; empty when it is owed nothing now."""
        if self.theirs is None or not self._told or self.refused is not None:
            self.forwarding.held_until = None
            return []
        if self.mode is not Mode.MEMBER:
            self.forwarding.held_until = None
            return self._introduction() if self.mode is Mode.STRANGER else []
        logs = self._is_own if self._holds_back(now) else self._may_send
        return self._library.missing(
            self.playlist, self.theirs, max_records=max_records, max_bytes=max_bytes, logs=logs
        )

    def sent(self, ends: Mapping[LogKey, Head]) -> None:
        """These records went out: the peer knows that we have them."""
        self._shown.update(ends)

    def _holds_back(self, now: float) -> bool:
        if not self.forwarding.fed_elsewhere or self.theirs is None:
            return False
        heads = self._library.heads(self.playlist).items()
        lacking = {log: head for log, head in heads if log.author != self._own_key and self._lacks(log, head)}
        return self.forwarding.holds(lacking, self.theirs, now)

    def _is_own(self, log: LogKey) -> bool:
        return log.author == self._own_key and log not in self._blocked

    def _may_send(self, log: LogKey) -> bool:
        if log in self._blocked:
            return False
        # A peer that shows part of its heads does not know us: the owner's log and ours hold what it needs for that.
        return not self.partial or log.author in (self._library.owner(self.playlist), self._own_key)

    @property
    def _own_key(self) -> bytes:
        return self._library.identity.public_key

    def _introduction(self) -> list[SignedRecord]:
        """Our own admission and nothing else: the peer is no member we know."""
        assert self.theirs is not None
        first = self._library.missing(
            self.playlist,
            self.theirs,
            max_records=1,
            max_bytes=1,
            logs=self._is_own,
        )
        return [record for record in first if governs(found := decode(record)) and not found.is_genesis]

    # What comes in

    def take_heads(self, message: Heads) -> bool:
        """Take up what the peer says it has; return whether it takes back what it had said before.

        Honest peers do that after a fork or a removal; repeated, it is a way to make us send much.
        """
        self._coming.update(frames.ungroup(message.authors))
        if message.more:
            return False
        heads, self._coming = self._coming, {}
        before = self.theirs
        rewound = (
            before is not None
            and not self.partial
            and not message.partial
            and any(heads.get(log, NO_HEAD).seq < head.seq for log, head in before.items())
        )
        self.theirs, self.partial = heads, message.partial
        self.turned_away = None
        self._blocked.clear()
        if self.refused is not None:  # it ignored ours while it refused
            self.refused = None
            self._told = False
            self._join_sent = False
            return True
        return rewound

    @property
    def coming(self) -> int:
        """Heads of a list whose end has not arrived yet."""
        return len(self._coming)

    def take_ack(self, ends: Mapping[LogKey, Head], before: Mapping[LogKey, Head], ack: Ack) -> None:
        """Take up the answer to a batch; a log that the peer did not take is not sent again before fresh heads."""
        if ack.known:
            self.forwarding.learn()
        turned_away = {row.code for row in ack.refused if row.author == self._own_key} & admission.FINAL
        self.turned_away = next(iter(turned_away), self.turned_away)
        told = frames.ungroup(ack.authors)
        for log, end in ends.items():
            head = told.get(log, end)
            self._set(log, head)
            if not took(end, before.get(log, NO_HEAD), head):
                self._blocked.add(log)

    def take_refusal(self, code: str) -> None:
        """The peer refuses the playlist: nothing of it goes out until the peer tells its heads again."""
        self.refused = code
        self.theirs = None
        self.was_in_sync = False

    def take_have(self, message: Have) -> None:
        """The peer got these records, from us or others."""
        ours = self._library.heads(self.playlist)
        for log, head in frames.ungroup(message.authors).items():
            if self._lacks(log, head):
                if log.author != self._own_key and ours.get(log, NO_HEAD).seq >= head.seq:
                    self.forwarding.learn()
                self._set(log, head)
                self._blocked.discard(log)

    def advance(self, ends: Mapping[LogKey, Head]) -> None:
        """The peer sent these records, so it has them, and hears from our answer that we do."""
        ours = self._library.heads(self.playlist)
        self._shown.update({log: ours[log] for log in ends if log in ours})
        for log, end in ends.items():
            known = (self.theirs or {}).get(log, NO_HEAD)
            proves_fork = known.fork_at is not None and end.seq >= known.fork_at
            if end.seq > known.seq and not proves_fork:
                self._set(log, Head(end.seq, end.hash, known.fork_at))

    def _set(self, log: LogKey, head: Head) -> None:
        if self.theirs is None:
            return
        if head == NO_HEAD:
            self.theirs.pop(log, None)
        else:
            self.theirs[log] = head

    # How it stands

    def state(self) -> PlaylistState:
        """Where the playlist stands on this link."""
        waits_to_join = self.mode is Mode.JOINING and (
            self.refused is None or self.refused in admission.RETRYABLE
        )
        if waits_to_join:
            return PlaylistState.JOINING
        if self.mode is Mode.REMOVED or self.refused is not None:
            return PlaylistState.REFUSED
        if self.theirs is None:
            return PlaylistState.UNKNOWN
        if self.mode is Mode.STRANGER or self.partial:
            return PlaylistState.INTRODUCING
        equal = self._told and self.theirs == self._library.heads(self.playlist)
        return PlaylistState.IN_SYNC if equal else PlaylistState.CATCHING_UP

    def status(self) -> PlaylistStatus:
        """State with exact counts."""
        known = self.theirs is not None and not self.partial
        theirs = self.theirs or {}
        return PlaylistStatus(
            playlist=self.playlist,
            state=self.state(),
            standing=self.standing(),
            pending_out=self._library.pending(self.playlist, theirs) if known else None,
            pending_in=self._pending_in(theirs) if known else None,
            refused=self.refused or self.turned_away,
        )

    def _pending_in(self, theirs: Mapping[LogKey, Head]) -> int:
        ours = self._library.heads(self.playlist)
        return sum(max(0, head.seq - ours.get(log, NO_HEAD).seq) for log, head in theirs.items())
