"""Counters of one link, or of all links since the start."""

from bisect import bisect_left

import msgspec

DELAY_BOUNDS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 3600.0, 86400.0)
"""Upper ends of the groups in `Delays`: a live edit takes milliseconds, one made offline may be days old."""


class Delays(msgspec.Struct):
    """How often something took how long: one count for each of `DELAY_BOUNDS_S`, and one for all that took longer."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(DELAY_BOUNDS_S) + 1))
    total_s: float = 0.0

    def note(self, seconds: float) -> None:
        """Count one; less than nothing (two clocks differ) counts as nothing."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(DELAY_BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def add(self, other: "Delays") -> None:
        """Add another's counts."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total_s += other.total_s


class Traffic(msgspec.Struct):
    """Bytes, frames and records each way; `_in` is what the peer sent us."""

    bytes_in: int = 0
    bytes_out: int = 0
    frames_in: int = 0
    frames_out: int = 0
    records_in: int = 0
    """Records that counted here."""
    records_out: int = 0
    """Records sent, whatever came of them."""
    duplicates_in: int = 0
    refused_in: int = 0
    """Records we refused."""
    refused_out: int = 0
    """Records the peer refused."""
    lag: Delays = msgspec.field(default_factory=Delays)
    """From a record's stamp, made on its author's clock, to its counting here, by ours."""
    hellos: Delays = msgspec.field(default_factory=Delays)
    """From the beginning of a link to the peer's hello."""

    def add(self, other: "Traffic") -> None:
        """Add another link's counters."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Delays):
                mine.add(theirs)
            else:
                setattr(self, name, mine + theirs)

    def copy(self) -> "Traffic":
        """The counters as they are now."""
        now = Traffic()
        now.add(self)
        return now
