"""Durations, times and ids as people write and read them."""

import re
import time
import unicodedata

from whatnext.errors import UserError

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):([0-5]\d)(?:\.(\d{1,3}))?")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # overrides of the direction of writing
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def harmless(text: str, keep: str = "") -> str:
    """Without control characters but those in `keep`: a friend's title must not move the cursor or turn the line."""
    return "".join(c for c in _TURNING.sub("", text) if c in keep or unicodedata.category(c) != "Cc")


def duration_ms(text: str) -> int:
    """Milliseconds of `3:45`, `1:02:03`, or a number of seconds; raises `UserError`."""
    match = _CLOCK.fullmatch(text.strip())
    if match:
        hours, minutes, seconds, fraction = match.groups()
        whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
        return whole * 1000 + int((fraction or "0").ljust(3, "0"))
    if text.strip().isdecimal() and len(text) < 9:
        return int(text) * 1000
    raise UserError(f"“{text[:40]}” is no duration: write minutes and seconds, as in 3:45")


def clock(ms: int | None) -> str:
    """A duration as `3:45` or `1:02:03`; empty when it is not known."""
    if ms is None:
        return ""
    minutes, seconds = divmod((ms + 500) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def period_s(text: str) -> int | None:
    """Seconds of `7d`, `12h`, `30m`; None for `never`; raises `UserError`."""
    if text == "never":
        return None
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if match is None or int(match[1]) == 0:
        raise UserError(f"“{text[:40]}” is no period: write 30m, 12h, 7d, or never")
    return int(match[1]) * _UNITS[match[2]]


def moment(ms: int | None) -> str:
    """A time in the local zone, to the minute; empty when there is none."""
    return "" if ms is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))


def short(identifier: str) -> str:
    """The beginning of an id: enough to name it in a small profile."""
    return identifier[:8]


def short_peer(peer: str) -> str:
    """The end of a PeerID: their beginnings are all alike."""
    return "…" + peer[-6:]
