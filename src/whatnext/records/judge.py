"""The definition: which of a set of records count. A pure function of the set, so every peer decides alike.

1. The first record is the one whose hash is the playlist's id; its author is the owner.
2. Records of one (author, epoch) form a log: numbered from 1, each naming the hash of the one before.
   Two different records with one number prove a fork: the log ends before the lowest such number.
3. The owner's logs count first, and make governance: words on members, invites. Then the others' admissions.
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
    BEHIND = "behind"
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


def refusal_of(record: Record, head: Head, governance: Governance) -> Refusal | None:
    """Why the next record of a log would not count, or None: the rule both `judge` and `Ledger` apply."""
    if record.seq != head.seq + 1 or record.body.prev != head.hash:
        return Refusal.GAP
    if governance.disowns(record.log, record.seq, record.hash):
        return Refusal.DISOWNED
    return refusal_by_right(record, governance.standing_at(record.log, record.seq))


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
    if genesis is not None:
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
    genesis: Record | None,
    chains: dict[LogKey, list[Record]],
    forks: dict[LogKey, int | None],
    refused: dict[Record, Refusal],
) -> Judgement:
    governance = Governance(playlist)
    counted: dict[LogKey, list[Record]] = {}
    fault = None if genesis is None else refusal_by_right(genesis, OWNER)
    if genesis is None or fault is not None:
        refused.update({record: Refusal.NO_GENESIS for chain in chains.values() for record in chain})
        if genesis is not None and fault is not None:
            refused[genesis] = fault
        genesis, chains = None, {}
    else:
        governance.add(genesis)
        own = [key for key in chains if key.author == genesis.body.author]
        for key in own:
            counted[key] = _permitted(chains[key], lambda r: refusal_by_right(r, OWNER), refused)
        for record in _governing(counted.values()):
            governance.add(record)
        for record in _governing(chain for key, chain in chains.items() if key not in counted):
            governance.add(record)
    for key, chain in chains.items():
        if key not in counted:
            counted[key] = _permitted(chain, lambda r: _refusal_in_chain(r, governance), refused)
    heads = {}
    for key, fork_at in forks.items():
        chain = counted.get(key, [])
        head = Head(len(chain), chain[-1].hash if chain else b"", fork_at)
        if genesis is not None and (chain or fork_at is not None):
            heads[key] = head
    return Judgement(counted, refused, heads, governance)


def _governing(chains: Iterable[list[Record]]) -> Iterable[Record]:
    return (record for chain in chains for record in chain if governs(record))


def _refusal_in_chain(record: Record, governance: Governance) -> Refusal | None:
    if governance.disowns(record.log, record.seq, record.hash):
        return Refusal.DISOWNED
    return refusal_by_right(record, governance.standing_at(record.log, record.seq))


def _permitted(
    chain: list[Record], refusal: Callable[[Record], Refusal | None], refused: dict[Record, Refusal]
) -> list[Record]:
    for index, record in enumerate(chain):
        reason = refusal(record)
        if reason is not None:
            refused[record] = reason
            refused.update(dict.fromkeys(chain[index + 1 :], Refusal.BEHIND))
            return chain[:index]
    return chain
