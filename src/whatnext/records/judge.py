"""The definition: which of a set of records count. A pure function of the set, so every peer decides alike.

1. The first record is the one whose hash is the playlist's id; its author is the owner.
2. Records of one (author, epoch) form a log: numbered from 1, each naming the hash of the one before.
   Two different records with one number prove a fork: the log ends before the lowest such number.
3. The owner's logs count first, and make governance: words on members, invites. A peer that proves an invite's
   secret in a record of its own is admitted by it.
4. A log counts up to the first record that its author had no right to write: a record without right is never kept,
   so nothing can be chained behind it.

`Ledger` computes the same step by step; hypothesis holds the two together.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from whatnext.records.codec import Record
from whatnext.records.governance import Governance, governs
from whatnext.records.ids import LogKey
from whatnext.records.permissions import OWNER, Standing, may_write


class Refusal(StrEnum):
    """Why a well-formed, authentic record does not count (now)."""

    WRONG_PLAYLIST = "wrong_playlist"
    EARLY = "early"
    NO_GENESIS = "no_genesis"
    GAP = "gap"
    FORKED = "forked"
    DISOWNED = "disowned"
    NOT_ADMITTED = "not_admitted"
    REMOVED = "removed"
    NO_RIGHT = "no_right"
    FULL = "full"


FINAL = frozenset({Refusal.WRONG_PLAYLIST, Refusal.FORKED})
"""Refusals that nothing can lift; the others may be lifted by a later record or by time."""


class Head(NamedTuple):
    """How far a log counts; `fork_at` is the proven number from which on it does not."""

    seq: int
    hash: bytes
    fork_at: int | None = None


NO_HEAD = Head(0, b"")


class Judgement(NamedTuple):
    """What a set of records comes to."""

    counted: dict[LogKey, list[Record]]
    refused: dict[Record, Refusal]
    heads: dict[LogKey, Head]
    governance: Governance


def refusal_in_chain(record: Record, governance: Governance) -> Refusal | None:
    """Why a record that follows its log's head does not count, or None: the rule both `judge` and `Ledger` apply."""
    if governance.disowns(record.log, record.seq, record.hash):
        return Refusal.DISOWNED
    return refusal_by_right(record, governance.standing_for(record))


def refusal_by_right(record: Record, standing: Standing | None) -> Refusal | None:
    """Why a record is beyond its author's right, given the author's standing."""
    if standing is None:
        return Refusal.NOT_ADMITTED
    if standing == "removed":
        return Refusal.REMOVED
    return None if may_write(record, standing) else Refusal.NO_RIGHT


def judge(playlist: bytes, records: Iterable[Record], is_early: Callable[[int], bool]) -> Judgement:
    """Judge a set of authentic records of one playlist; `is_early` says whether a stamp is not yet due."""
    refused: dict[Record, Refusal] = {}
    logs: dict[LogKey, dict[int, dict[bytes, Record]]] = {}
    genesis: Record | None = None
    for record in records:
        if record.playlist != playlist:
            refused[record] = Refusal.WRONG_PLAYLIST
        elif is_early(record.body.hlc):
            refused[record] = Refusal.EARLY
        else:
            genesis = record if record.is_genesis else genesis
            logs.setdefault(record.log, {}).setdefault(record.seq, {})[record.hash] = record
    if genesis is None:
        everything = (r for numbered in logs.values() for same in numbered.values() for r in same.values())
        refused.update(dict.fromkeys(everything, Refusal.NO_GENESIS))
        return Judgement({}, refused, {}, Governance(playlist))
    _pin(genesis, logs, refused)
    chains = {key: _chain(numbered, refused) for key, numbered in logs.items()}
    forks = {key: _fork_at(numbered) for key, numbered in logs.items()}
    return _weigh(playlist, genesis, chains, forks, refused)


def _pin(
    genesis: Record, logs: dict[LogKey, dict[int, dict[bytes, Record]]], refused: dict[Record, Refusal]
) -> None:
    """The playlist's id names its first record: a rival to it proves nothing, it is not of this playlist."""
    rivals = logs[genesis.log][1]
    for record in rivals.values():
        if record != genesis:
            refused[record] = Refusal.WRONG_PLAYLIST
    logs[genesis.log][1] = {genesis.hash: genesis}


def _fork_at(numbered: dict[int, dict[bytes, Record]]) -> int | None:
    return min((seq for seq, same in numbered.items() if len(same) > 1), default=None)


def _chain(numbered: dict[int, dict[bytes, Record]], refused: dict[Record, Refusal]) -> list[Record]:
    fork_at = _fork_at(numbered)
    chain: list[Record] = []
    head = NO_HEAD
    for seq in sorted(numbered):
        for record in numbered[seq].values():
            if fork_at is not None and seq >= fork_at:
                refused[record] = Refusal.FORKED
            elif seq == head.seq + 1 and record.body.prev == head.hash:
                head = Head(seq, record.hash)
                chain.append(record)
            else:
                refused[record] = Refusal.GAP
    return chain


def _weigh(
    playlist: bytes,
    genesis: Record,
    chains: dict[LogKey, list[Record]],
    forks: dict[LogKey, int | None],
    refused: dict[Record, Refusal],
) -> Judgement:
    governance = Governance(playlist)
    lengths = dict.fromkeys(chains, 0)
    if refusal_by_right(genesis, OWNER) is None:
        governance.add(genesis)
        own = {key: chain for key, chain in chains.items() if key.author == genesis.body.author}
        _extend(own, lengths, governance)
        while _extend(
            chains, lengths, governance
        ):  # an admission in one log may let another of the same peer go on
            pass
    counted = {key: chain[: lengths[key]] for key, chain in chains.items()}
    for key, chain in chains.items():
        for record in chain[lengths[key] :]:
            refused[record] = _refusal_left(record, lengths[key], governance)
    heads = {}
    for key, fork_at in forks.items():
        if governance.owner is not None and (counted[key] or fork_at is not None):
            last = counted[key][-1].hash if counted[key] else b""
            heads[key] = Head(lengths[key], last, fork_at)
    return Judgement(counted, refused, heads, governance)


def _extend(chains: dict[LogKey, list[Record]], lengths: dict[LogKey, int], governance: Governance) -> bool:
    """Let each log count as far as its author's right goes; say whether any went further.

    Standing only grows with the admissions fed, so the end does not depend on which log goes first.
    """
    extended = False
    for key, chain in chains.items():
        for record in chain[lengths[key] :]:
            if refusal_in_chain(record, governance) is not None:
                break
            lengths[key] += 1
            extended = True
            if governs(record):
                governance.add(record)
    return extended


def _refusal_left(record: Record, counted: int, governance: Governance) -> Refusal:
    if record.is_genesis:
        return refusal_by_right(record, OWNER) or Refusal.GAP
    if governance.owner is None:
        return Refusal.NO_GENESIS
    reason = refusal_in_chain(record, governance) if record.seq == counted + 1 else None
    return reason or Refusal.GAP
