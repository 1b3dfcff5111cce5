"""How much we put up with from a peer: a score that decays, and what it leads to. Time comes in from outside.

Weights are set so that a single slip never blocks anyone, and deliberate garbage blocks within a few frames.
"""

from enum import StrEnum

from whatnext.rates import TokenBucket
from whatnext.sync import limits

HALF_LIFE_S = 600.0
CLOSE_AT = 50.0
BLOCK_AT = 100.0
FIRST_BLOCK_S = 60.0
LONGEST_BLOCK_S = 24 * 3600.0
FORGET_BLOCKS_S = 7 * 24 * 3600.0
"""A block is twice as long as the last one, unless that lies this far back."""
MAX_PEERS = 4096


class OffenceKind(StrEnum):
    """What a peer can do wrong."""

    VIOLATION = "protocol_violation"
    INVALID_RECORD = "invalid_record"
    NO_RIGHT = "no_right"
    FLOOD = "flood"
    REWIND = "rewind"
    BAD_JOIN = "bad_join"


WEIGHTS = {
    OffenceKind.VIOLATION: 60.0,  # ends the link at once, and the second one within ten minutes blocks
    OffenceKind.INVALID_RECORD: 60.0,
    OffenceKind.NO_RIGHT: 5.0,  # an honest peer may not have heard of its own demotion
    OffenceKind.FLOOD: 10.0,
    OffenceKind.REWIND: 1.0,  # heads set back: honest after a fork or a removal, a trick to be sent much when repeated
    OffenceKind.BAD_JOIN: 10.0,
}


class Verdict(StrEnum):
    """What to do with the peer now."""

    TOLERATE = "tolerate"
    CLOSE = "close"
    BLOCK = "block"


class _Conduct:
    """One peer's score, blocks and join attempts; `score` is as of `at`."""

    def __init__(self, now: float) -> None:
        self.score = 0.0
        self.at = now
        self.blocked_until = -1.0
        self.blocks = 0
        self.joins = TokenBucket(limits.JOINS_PER_S, limits.JOINS_BURST, now)

    def decayed(self, now: float) -> float:
        return float(self.score * 0.5 ** ((now - self.at) / HALF_LIFE_S))


class Discipline:
    """Scores of all peers, kept while the node runs; at most `MAX_PEERS`, the least guilty are forgotten."""

    def __init__(self) -> None:
        self._peers: dict[str, _Conduct] = {}

    def report(self, peer: str, kind: OffenceKind, now: float) -> Verdict:
        """Count an offence; the verdict says whether to go on with the peer."""
        conduct = self._conduct(peer, now)
        conduct.score, conduct.at = conduct.decayed(now) + WEIGHTS[kind], now
        if conduct.score >= BLOCK_AT:
            self._block(conduct, now)
            return Verdict.BLOCK
        return Verdict.CLOSE if conduct.score >= CLOSE_AT else Verdict.TOLERATE

    def blocked_for(self, peer: str, now: float) -> float:
        """Seconds for which the peer stays blocked; 0 when it is welcome."""
        conduct = self._peers.get(peer)
        return 0.0 if conduct is None else max(0.0, conduct.blocked_until - now)

    def score(self, peer: str, now: float) -> float:
        """The peer's score now."""
        conduct = self._peers.get(peer)
        return 0.0 if conduct is None else conduct.decayed(now)

    def may_join(self, peer: str, now: float) -> bool:
        """Whether a further attempt to join is looked at: a few failed ones are, over all links of the peer."""
        conduct = self._peers.get(peer)
        return conduct is None or conduct.joins.wait(1, now) == 0

    def join_failed(self, peer: str, now: float) -> None:
        """Count a failed attempt. Those that succeed cost nothing: a shaky link repeats them honestly."""
        self._conduct(peer, now).joins.spend(1, now)

    def _block(self, conduct: _Conduct, now: float) -> None:
        if now - conduct.blocked_until > FORGET_BLOCKS_S:
            conduct.blocks = 0
        length = min(LONGEST_BLOCK_S, FIRST_BLOCK_S * 2.0**conduct.blocks)
        conduct.blocked_until = now + length
        conduct.blocks += 1
        conduct.score = CLOSE_AT / 2  # after the block it starts suspect, not guilty

    def _conduct(self, peer: str, now: float) -> _Conduct:
        conduct = self._peers.get(peer)
        if conduct is None:
            if len(self._peers) >= MAX_PEERS:
                least = min(
                    self._peers, key=lambda p: (self.blocked_for(p, now), self._peers[p].decayed(now))
                )
                del self._peers[least]
            conduct = self._peers[peer] = _Conduct(now)
        return conduct
