"""Which bytes of a file a request asks for (RFC 9110 §14)."""

import re

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(ValueError):
    """The range begins behind the end: the answer is 416."""


def asked(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last, or None for the whole file; raises `Unsatisfiable`.

    None also for what is no range of bytes and for several at once: a server may ignore those (§14.2).
    """
    found = _ONE.fullmatch((header or "").strip().replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    begin, end = int(first), size if not last else min(size, int(last) + 1)
    if last and int(last) < begin:
        return None
    if begin >= size:
        raise Unsatisfiable
    return begin, end
