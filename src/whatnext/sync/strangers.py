"""Records from a peer that shows a playlist's tag, but of whose admission nobody told us.

The owner's records are taken from anyone: only the owner can have signed them, and they may be what we lack to know the
peer. The peer's own admission is taken if a joiner's would be, and then all the rest.
"""

from collections.abc import Iterable, Sequence

from whatnext.identity import public_key_of
from whatnext.records.codec import Record, SignedRecord, decode
from whatnext.records.judge import Refusal
from whatnext.store import Library, Receipt
from whatnext.sync import admission
from whatnext.sync.frames import RefusedRecord
from whatnext.sync.share import Share


def receive(
    library: Library, share: Share, records: Sequence[SignedRecord]
) -> tuple[Receipt, list[RefusedRecord]]:
    """Take what may be taken, durable on return; the second list is what was turned away, and why.

    Raises `InvalidRecord`, or what the disk says.
    """
    owner, peer = library.owner(share.playlist), public_key_of(share.peer)
    decoded = [decode(record) for record in records]
    receipt = _receive(library, share, [r for r in decoded if r.body.author == owner], Receipt())
    rest = [r for r in decoded if r.body.author != owner]
    code: str | None = None
    for record in rest:
        if not share.is_member() and record.body.author == peer and admission.is_admission(record):
            code = admission.check(library, share.playlist, share.peer, record.signed)
            if code is None:
                receipt = _receive(library, share, [record], receipt)
                rest = [r for r in rest if r is not record]
    if share.is_member():
        return _receive(library, share, rest, receipt), []
    # A final reason is told as such; one that may pass is told as what it is for now, so that nothing is given up.
    why = str(Refusal.NOT_ADMITTED) if code is None or code in admission.RETRYABLE else code
    return receipt, [RefusedRecord(*r.log, r.seq, why) for r in rest]


def _receive(library: Library, share: Share, records: Iterable[Record], before: Receipt) -> Receipt:
    signed = [record.signed for record in records]
    if not signed:
        return before
    receipt = library.receive(share.playlist, signed)
    return Receipt(
        counted=before.counted + receipt.counted,
        duplicates=before.duplicates + receipt.duplicates,
        refused=before.refused + receipt.refused,
        heads={**before.heads, **receipt.heads},
        reset=before.reset or receipt.reset,
        stamps=before.stamps + receipt.stamps,
    )
