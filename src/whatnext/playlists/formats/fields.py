"""The notations of single fields: ISRC, MusicBrainz id, dates and durations, read and written."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

_ISRC = re.compile("(?:URN:)?(?:ISRC:)?([A-Z]{2}[A-Z0-9]{3}[0-9]{7})")
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MBID = re.compile(
    rf"(?:(?:https?://)?(?:www\.|beta\.)?musicbrainz\.org/(?:recording|track)/|mbid:)?({_UUID})/?"
)
_CLOCK = re.compile(r"(?:([0-9]{1,12}):)?([0-9]{1,12}):([0-9]{1,2})(?:\.([0-9]{1,3}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999  # the end of the year 9999, where ISO 8601 dates of four digits end
_LONGEST_MS = 2**53 - 1  # what a JavaScript number holds exactly: the web UI reads these values
RECORDING_URL = "https://musicbrainz.org/recording/"


def as_isrc(text: str) -> str | None:
    """An ISRC in its plain form (`USUM71703861`) from plain, hyphenated or URN notation; None if it is none."""
    found = _ISRC.fullmatch(re.sub(r"[-\s]", "", text).upper())
    return found[1] if found else None


def as_mbid(text: str) -> str | None:
    """A MusicBrainz recording id in lower case, from the id or its address; None if it is none."""
    found = _MBID.fullmatch(text.strip().lower())
    return found[1] if found else None


def as_duration(value: float) -> int | None:
    """Milliseconds as a whole number from 0 to 2^53 - 1; None for anything else (also NaN and infinity)."""
    return round(value) if 0 <= value <= _LONGEST_MS else None


def as_moment(ms: int) -> int | None:
    """Unix milliseconds between 1970 and the year 9999; None for anything else."""
    return ms if 0 <= ms <= _LAST_MS else None


def read_number(text: str) -> float | None:
    """A finite decimal number, whole ones exactly; None if it is none."""
    text = text.strip()
    if text.isdecimal() and len(text) < 20:
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e18 else None  # also false for NaN


def write_date(ms: int) -> str:
    """ISO 8601 in UTC, with milliseconds only where there are any: `2026-11-22T10:00:00Z`."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds" if ms % 1000 else "seconds").replace("+00:00", "Z")


def read_date(text: str) -> int | None:
    """Unix milliseconds from an ISO 8601 date, UTC unless it says otherwise; None if it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return as_moment((moment - _EPOCH) // timedelta(milliseconds=1))
    except (ValueError, OverflowError):
        return None


def write_clock(ms: int) -> str:
    """A duration as people write it: `3:45`, `1:02:03`, with `.120` only where there are milliseconds."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}.{rest:03}" if rest else text


def read_clock(text: str) -> int | None:
    """Milliseconds from `m:ss` or `h:mm:ss`, each with or without a fraction; None if it is neither."""
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        return None
    hours, minutes, seconds, fraction = found.groups()
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def file_title(location: str) -> str:
    """The last part of a path or address, decoded, without its extension."""
    path = re.split("[?#]", location, maxsplit=1)[0] if "://" in location else location
    name = re.split(r"[\\/]", path.rstrip("/\\"))[-1]
    name = unquote(name) if "://" in location else name
    return re.sub(r"\.[A-Za-z0-9]{2,5}$", "", name)
