"""What messages mean once both sides said hello: each is taken up by its playlist's share and answered.

Part of the sans-IO session, which gives it whole messages, and takes its replies and events.
"""

from collections import Counter
from collections.abc import Callable

from whatnext.clock import millis
from whatnext.errors import InvalidRecord, ProtocolViolation
from whatnext.identity import public_key_of
from whatnext.rates import TokenBucket
from whatnext.records.schema import REMOVED
from whatnext.store import Library
from whatnext.sync import admission, batches, intake, limits
from whatnext.sync.discipline import Discipline, OffenceKind
from whatnext.sync.events import (
    Event,
    JoinAccepted,
    JoinRefused,
    Offence,
    PlaylistInSync,
    PlaylistRefused,
    PlaylistState,
    RecordsRefused,
)
from whatnext.sync.frames import Ack, Have, Heads, Interest, Join, Message, Presence, Records, Refuse
from whatnext.sync.interest import InterestKey
from whatnext.sync.metrics import Traffic
from whatnext.sync.presence import PresenceOut, heard
from whatnext.sync.rota import Rota
from whatnext.sync.share import Mode, Share


class Conversation:
    """One handshaken link. `nonces`: ours and the peer's; `say` sends a message, `report` tells the node an event."""

    def __init__(
        self,
        library: Library,
        peer: str,
        nonces: tuple[bytes, bytes],
        discipline: Discipline,
        traffic: Traffic,
        say: Callable[[Message], None],
        report: Callable[[Event], None],
        now: float,
    ) -> None:
        ours, theirs = nonces
        keys = InterestKey(ours, theirs, library.identity.peer_id), InterestKey(theirs, ours, peer)
        self.rota = Rota(library, peer, keys, ours[0] / 255, self._note)
        self._library = library
        self._peer = peer
        self._discipline = discipline
        self._traffic = traffic
        self._say = say
        self._report = report
        self._interest_out = TokenBucket(limits.INTEREST_PER_S, limits.INTEREST_BURST, now)
        self._interest_in = TokenBucket(2 * limits.INTEREST_PER_S, 2 * limits.INTEREST_BURST, now)
        self._told_too_many = False
        self.presence = PresenceOut(self.rota, now)

    def frames(self, now: float) -> list[bytes]:
        """Frames to send now: our interest, what shares owe, one batch."""
        parts = []
        if self.rota.owes_interest and self._interest_out.take(1, now):
            parts.append(self.rota.interest())
        parts += self.rota.control_frames(now)
        parts += self.presence.frames(now)
        batch = self.rota.next_batch(now)
        if batch is not None:
            assert self.rota.in_flight is not None
            self._traffic.records_out += self.rota.in_flight.count
            parts.append(batch)
        return parts

    def deadline(self, now: float) -> float:
        """When to look again, if nothing happens before."""
        flight = self.rota.in_flight
        due = [self.rota.wakes_at(), self.presence.wakes_at(now)]
        if flight is not None and flight.deadline is not None:
            due.append(flight.deadline)
        if self.rota.owes_interest:
            due.append(now + self._interest_out.wait(1, now) + 0.001)
        return min(due)

    def take(self, message: Message, now: float) -> None:
        """Take up a message that is no hello and no goodbye; raises `ProtocolViolation`."""
        match message:
            case Interest():
                self._take_interest(message, now)
            case Heads():
                self._take_heads(message)
            case Records():
                self._take_records(message)
            case Have():
                self._take_have(message)
            case Ack():
                self._take_ack(message, now)
            case Join():
                self._take_join(message, now)
            case Refuse():
                self._take_refuse(message, now)
            case Presence():
                event = heard(self.rota, self._peer, message)
                if event is not None:
                    self._report(event)

    def _take_interest(self, message: Interest, now: float) -> None:
        if not self._interest_in.take(1, now):
            self._offend(OffenceKind.FLOOD, "its list of playlists changes faster than any user's")
        self.rota.take_interest(message)

    def _take_heads(self, message: Heads) -> None:
        share = self.rota.share(message.playlist)
        if share is None:
            return  # we left it, or never had it: the peer hears of that by our interest, a stranger hears nothing
        share.look()
        if share.mode is Mode.REMOVED:
            return
        if share.coming > limits.MAX_HEADS:
            raise ProtocolViolation(f"more than {limits.MAX_HEADS} heads of one playlist")
        if share.take_heads(message):
            self._offend(OffenceKind.REWIND, "it took back heads it had told")
        if share.mode is Mode.JOINING and not share.accepted and share.theirs and not share.partial:
            share.accepted = True
            self._report(JoinAccepted(self._peer, message.playlist))
        self.rota.mark(message.playlist)
        self._note(share)

    def _take_have(self, message: Have) -> None:
        share = self.rota.share(message.playlist)
        if share is None:
            return
        share.look()
        if share.mode is not Mode.REMOVED:
            share.take_have(message)
            self.rota.mark(message.playlist)
            self._note(share)

    def _take_records(self, message: Records) -> None:
        try:
            playlist, ends = batches.ends(message.records)
        except InvalidRecord as fault:
            raise ProtocolViolation(str(fault)) from fault
        share = self.rota.share(playlist)
        if share is None:
            sentence = admission.SENTENCES[admission.NOT_HERE]
            self._say(Refuse(playlist[:20].ljust(20, b"\0"), admission.NOT_HERE, sentence, message.serial))
            return
        share.look()
        share.was_in_sync = False
        answer = intake.take_records(self._library, share, message, ends)
        self._finish(share, answer)

    def _take_join(self, message: Join, now: float) -> None:
        share = self.rota.share(message.playlist)
        if share is None:
            self._say(Refuse(message.playlist, admission.NOT_HERE, admission.SENTENCES[admission.NOT_HERE]))
            return
        share.look()
        if not self._discipline.may_join(self._peer, now):
            if self._told_too_many:
                self._offend(OffenceKind.FLOOD, "it tries to join again and again")
            self._told_too_many = True
            share.watch([public_key_of(self._peer)])
            self._say(share.refusal(admission.TOO_MANY))
            return
        answer = intake.take_join(self._library, share, message)
        if answer.reply is not None:
            self._discipline.join_failed(self._peer, now)
        self._finish(share, answer)

    def _finish(self, share: Share, answer: intake.Answer) -> None:
        if answer.receipt is not None:
            self._traffic.records_in += answer.receipt.counted
            self._traffic.duplicates_in += answer.receipt.duplicates
            self._traffic.refused_in += len(answer.receipt.refused)
            now_ms = self._library.clock.now_ms()
            for stamp in answer.receipt.stamps:
                self._traffic.lag.note((now_ms - millis(stamp)) / 1000)
        if answer.reply is not None:
            self._say(answer.reply)
        self.rota.mark(share.playlist)
        self._note(share)
        for event in answer.events:
            if isinstance(event, Offence):
                self._offend(event.kind, event.detail)
            else:
                self._report(event)

    def _take_ack(self, message: Ack, now: float) -> None:
        flight = self.rota.answered(message.serial, now)
        share, turned_away = flight.share, flight.share.turned_away
        share.take_ack(flight.ends, flight.before, message)
        if share.turned_away is not None and share.turned_away != turned_away:
            text = admission.sentence(share.turned_away, "")
            self._report(PlaylistRefused(self._peer, share.playlist, share.turned_away, text))
        if message.refused:
            codes = dict(Counter(row.code for row in message.refused))
            self._traffic.refused_out += len(message.refused)
            self._report(RecordsRefused(self._peer, flight.share.playlist, by_peer=True, codes=codes))
        self._note(flight.share)

    def _take_refuse(self, message: Refuse, now: float) -> None:
        if message.serial is None:
            share = self.rota.share(message.playlist)
        else:
            share = self.rota.answered(message.serial, now).share
        if share is None or share.refused == message.code:
            return
        share.look()
        answers_join = message.serial is None and message.code != REMOVED
        if answers_join and share.mode is not Mode.JOINING:
            return  # somebody else let us in meanwhile
        share.take_refusal(message.code)
        text = admission.sentence(message.code, message.detail)
        if share.mode is Mode.JOINING:
            retryable = message.code in admission.RETRYABLE
            self._report(JoinRefused(self._peer, share.playlist, message.code, text, retryable))
        else:
            self._report(PlaylistRefused(self._peer, share.playlist, message.code, text))

    def _offend(self, kind: OffenceKind, detail: str) -> None:
        self._report(Offence(self._peer, kind, detail))

    def _note(self, share: Share) -> None:
        """Say once that a playlist came in sync."""
        if self.rota.share(share.playlist) is not share:
            return
        in_sync = share.state() is PlaylistState.IN_SYNC
        if in_sync and not share.was_in_sync:
            self._report(PlaylistInSync(self._peer, share.playlist))
        share.was_in_sync = in_sync
