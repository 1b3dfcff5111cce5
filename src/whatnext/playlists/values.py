"""Values as users give them, made fit for a record, or refused with a sentence; and read back out of documents."""

import re
from typing import cast

from whatnext.errors import LimitExceeded, UserError
from whatnext.playlists.formats.fields import as_isrc, as_mbid
from whatnext.playlists.formats.text import many_lines, one_line, show
from whatnext.records import schema
from whatnext.records.merge import Document

MAX_LINK = 4096
MAX_DURATION_MS = 2**31
_COLOUR = re.compile("#[0-9a-f]{6}")


def line(value: str, what: str, *, needed: bool = False) -> str:
    """One line of at most 500 characters; `what` names it in the sentence: "the title"."""
    text = one_line(value)
    if needed and not text:
        raise UserError(f"{what} is empty: give at least one visible character")
    if len(text) > schema.MAX_NAME:
        raise LimitExceeded(f"{what} has {len(text)} characters; at most {schema.MAX_NAME} are allowed")
    return text


def prose(value: str, what: str, *, needed: bool = False) -> str:
    """Text of several lines, at most 64 KiB."""
    text = many_lines(value)
    if needed and not text:
        raise UserError(f"{what} is empty: write something")
    if (size := len(text.encode())) > schema.MAX_VALUE_BYTES:
        raise LimitExceeded(f"{what} has {size:,} bytes; at most {schema.MAX_VALUE_BYTES:,} are allowed")
    return text


def lines(values: list[str], what: str) -> list[str]:
    """At most 200 lines, none empty, none twice."""
    texts = list(dict.fromkeys(text for value in values if (text := line(value, f"one of {what}"))))
    _check_list(texts, what)
    return texts


def links(values: list[str]) -> list[str]:
    """Links to a track."""
    texts = list(dict.fromkeys(text for value in values if (text := one_line(value))))
    for text in texts:
        if len(text) > MAX_LINK:
            raise LimitExceeded(f"a link has {len(text)} characters; at most {MAX_LINK} are allowed")
    _check_list(texts, "the links")
    return texts


def duration(value: int | None) -> int | None:
    """Milliseconds of a track, or None for unknown."""
    if value is not None and not 0 <= value <= MAX_DURATION_MS:
        raise UserError(f"{value} is no duration: give milliseconds from 0 to {MAX_DURATION_MS:,}")
    return value


def isrc(value: str | None) -> str | None:
    """An ISRC in any usual notation; None or an empty one for none."""
    if value is None or not value.strip():
        return None
    if (found := as_isrc(value)) is None:
        raise UserError(f"{show(value)} is no ISRC: it should look like USUM71703861")
    return found


def mbid(value: str | None) -> str | None:
    """A MusicBrainz recording id, or its address; None or an empty one for none."""
    if value is None or not value.strip():
        return None
    if (found := as_mbid(value)) is None:
        raise UserError(
            f"{show(value)} is no MusicBrainz recording id: it should look like"
            " b1a9c0e9-d987-4042-ae91-78d6a3267d69"
        )
    return found


def colour(value: str) -> str | None:
    """A colour `#rrggbb`, or None when it is empty."""
    text = value.strip().lower()
    if text and not _COLOUR.fullmatch(text):
        raise UserError(f"{show(value)} is no colour: it should look like #1db954")
    return text or None


def text_of(document: Document, field: str) -> str:
    """A text field; empty when nobody wrote it."""
    return cast("str", document.fields.get(field) or "")


def choice_of(document: Document, field: str) -> str | None:
    """A text field that may be None."""
    return cast("str | None", document.fields.get(field))


def texts_of(document: Document, field: str) -> list[str]:
    """A list of texts; empty when nobody wrote it."""
    return cast("list[str]", document.fields.get(field) or [])


def number_of(document: Document, field: str) -> int | None:
    """A whole number, or None."""
    return cast("int | None", document.fields.get(field))


def _check_list(texts: list[str], what: str) -> None:
    if len(texts) > schema.MAX_LIST:
        raise LimitExceeded(f"{what} are {len(texts)}; at most {schema.MAX_LIST} are allowed")
    if (size := sum(len(text.encode()) for text in texts)) > schema.MAX_VALUE_BYTES:
        raise LimitExceeded(f"{what} have {size:,} bytes; at most {schema.MAX_VALUE_BYTES:,} are allowed")
