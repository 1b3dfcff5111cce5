"""What a share does with records from the peer: whose are taken, what is answered, what counts against the peer."""

from collections import Counter

import msgspec

from whatnext.errors import InvalidRecord, LocalError
from whatnext.identity import public_key_of
from whatnext.records.ids import LogKey
from whatnext.records.judge import NO_HEAD, Head, Refusal
from whatnext.records.schema import REMOVED
from whatnext.store import Library, Receipt
from whatnext.sync import admission, batches, frames, limits, strangers
from whatnext.sync.discipline import OffenceKind
from whatnext.sync.events import Event, Offence, RecordsRefused, StoreFailed
from whatnext.sync.frames import Ack, Join, Records, Refuse, RefusedRecord
from whatnext.sync.share import Mode, Share

RefusedRows = list[tuple[LogKey, int, Refusal]]


class Answer(msgspec.Struct):
    """What came of records from the peer: the reply to send, what the store made of them, what to report."""

    reply: Ack | Refuse | None
    receipt: Receipt | None = None
    events: list[Event] = []


def take_records(library: Library, share: Share, message: Records, ends: dict[LogKey, Head]) -> Answer:
    """Take a batch, durable when this returns; never raises for what the peer sent or the disk refused."""
    if share.mode is Mode.REMOVED:
        return Answer(share.refusal(REMOVED, message.serial))
    try:
        if share.mode is Mode.STRANGER:
            receipt, turned_away = strangers.receive(library, share, message.records)
        else:
            receipt, turned_away = library.receive(share.playlist, message.records), []
    except InvalidRecord as fault:
        return _invalid(share, fault, message.serial)
    except LocalError as fault:
        return _unavailable(share, fault, message.serial)
    share.advance(ends)
    if receipt.duplicates:
        share.forwarding.learn()
    return _acknowledged(library, share, ends, receipt, message.serial, turned_away)


def _acknowledged(
    library: Library,
    share: Share,
    ends: dict[LogKey, Head],
    receipt: Receipt,
    serial: int,
    turned_away: list[RefusedRecord],
) -> Answer:
    heads = library.heads(share.playlist)
    differing = [(log, heads.get(log, NO_HEAD)) for log, end in ends.items() if heads.get(log) != end]
    # At most one refusal per record sent: the store may name records that waited from earlier batches.
    named = [RefusedRecord(*log, seq, str(why)) for log, seq, why in receipt.refused if log in ends]
    rows = [*named, *turned_away][: limits.MAX_BATCH_RECORDS]
    share.watch(row.author for row in rows)
    events: list[Event] = []
    if rows:
        codes = Counter(row.code for row in rows)
        events.append(RecordsRefused(share.peer, share.playlist, by_peer=False, codes=dict(codes)))
        events += _offence_of_author(share, receipt.refused)
    ack = Ack(serial, frames.group(differing), rows, known=receipt.duplicates > 0)
    return Answer(ack, receipt, events)


def _offence_of_author(share: Share, refused: RefusedRows) -> list[Event]:
    """A write without right counts against its author only: who forwards it may not know of a demotion yet."""
    author = public_key_of(share.peer)
    guilty = {Refusal.NO_RIGHT, Refusal.REMOVED}
    own = [(seq, why) for log, seq, why in refused if log.author == author and why in guilty]
    if not own:
        return []
    return [Offence(share.peer, OffenceKind.NO_RIGHT, f"its own record {own[0][0]} is refused: {own[0][1]}")]


def take_join(library: Library, share: Share, message: Join) -> Answer:
    """Let a newcomer in or say why not; the reply is None when its playlist follows."""
    try:
        code = admission.check(library, message.playlist, share.peer, message.record)
        receipt = library.receive(share.playlist, [message.record]) if code is None else None
    except InvalidRecord as fault:
        offence = Offence(share.peer, OffenceKind.BAD_JOIN, str(fault))
        return Answer(share.refusal(admission.INVALID), None, [offence])
    except LocalError as fault:
        return _unavailable(share, fault, None)
    if code is None and not share.is_member():
        code = admission.UNKNOWN_INVITE
    if code is None:
        share.advance(batches.ends([message.record])[1])
        return Answer(None, receipt)
    share.watch([public_key_of(share.peer)])
    return Answer(share.refusal(code), receipt)


def _invalid(share: Share, fault: InvalidRecord, serial: int) -> Answer:
    offence = Offence(share.peer, OffenceKind.INVALID_RECORD, str(fault))
    return Answer(Refuse(share.playlist, admission.INVALID, str(fault)[:500], serial), None, [offence])


def _unavailable(share: Share, fault: LocalError, serial: int | None) -> Answer:
    share.retry_on_change()
    event = StoreFailed(share.peer, share.playlist, str(fault))
    return Answer(share.refusal(admission.UNAVAILABLE, serial), None, [event])
