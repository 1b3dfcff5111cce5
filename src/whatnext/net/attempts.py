"""Telling the observer of each attempt at an address: its beginning, and exactly one end."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from whatnext.net.failures import Failure, describe
from whatnext.net.observing import DialFailed, Dialling, DialWon, Observer


@contextmanager
def watched(peer: str, address: str, timeout_s: float, observe: Observer) -> Iterator[None]:
    """Around one attempt. Cancelled after `timeout_s` it counts as timed out, cancelled earlier as given up."""
    observe(Dialling(peer, address))
    began = time.perf_counter()
    try:
        yield
    except BaseException as error:
        took_s = time.perf_counter() - began
        reason, code = _why(address, error, took_s, timeout_s)
        observe(DialFailed(peer, address, reason, code, 1000 * took_s))
        raise
    observe(DialWon(peer, address, 1000 * (time.perf_counter() - began)))


def tell_untried(peer: str, failures: Iterable[Failure], observe: Observer) -> None:
    """Tell of addresses that were not worth an attempt."""
    for failure in failures:
        observe(DialFailed(peer, failure.address, failure.reason, "not_tried", 0.0))


def _why(address: str, error: BaseException, took_s: float, timeout_s: float) -> tuple[str, str]:
    if isinstance(error, Exception):
        failure = describe(address, error)
        return failure.reason, failure.code
    if took_s >= 0.9 * timeout_s:  # cancelled by the race's clock, which began a moment earlier
        return f"timed out after {timeout_s:g} s", "timeout"
    return "given up: another address was faster, or nobody waits any more", "given_up"
