"""What the relay has done so far, in numbers: for its metrics and its status page. Nothing here names a peer."""

from collections import Counter

from whatnext.relay.circuits import Circuit, Ending, Refusal, Why

DURATIONS_S = (1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0)
"""Upper bounds of the histogram of circuits' durations; the last bucket is whatever is longer."""


class Ledger:
    """Counts since the start; every count is there from the start, as zero."""

    def __init__(self) -> None:
        self.reservations_new = 0
        self.reservations_renewed = 0
        self.circuits_opened = 0
        self.endings: Counter[Ending] = Counter(dict.fromkeys(Ending, 0))
        self.refusals: Counter[Why] = Counter(dict.fromkeys(Why, 0))
        self.tokens_accepted = 0
        self.to_target = 0
        """Bytes of circuits that have ended, from those who made them; those that last count their own."""
        self.to_source = 0
        self.durations = [0] * (len(DURATIONS_S) + 1)
        self.seconds = 0.0

    def reserved(self, *, new: bool) -> None:
        """A reservation was granted, or renewed."""
        if new:
            self.reservations_new += 1
        else:
            self.reservations_renewed += 1

    def refused(self, refusal: Refusal) -> None:
        """A request was not met."""
        self.refusals[refusal.why] += 1

    def opened(self) -> None:
        """A circuit began to carry."""
        self.circuits_opened += 1

    def ended(self, circuit: Circuit, ending: Ending, now: float) -> None:
        """A circuit that was opened is over."""
        self.endings[ending] += 1
        self.to_target += circuit.to_target
        self.to_source += circuit.to_source
        lasted = 0.0 if circuit.opened is None else now - circuit.opened
        self.seconds += lasted
        at = sum(lasted > bound for bound in DURATIONS_S)
        self.durations[at] += 1
