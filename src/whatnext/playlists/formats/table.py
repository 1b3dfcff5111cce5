"""The formats we know, and telling which one a file is."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from whatnext.errors import BadFile, UserError

_HEAD_BYTES = 16 * 1024


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One file format; `module` (in this package) reads and writes it and is imported when first needed."""

    name: str
    label: str
    extensions: tuple[str, ...]
    module: str
    can_import: bool = True
    can_export: bool = True


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Format(name="m3u8", label="M3U8", extensions=(".m3u8", ".m3u"), module="m3u8"),
            Format(name="xspf", label="XSPF", extensions=(".xspf",), module="xspf"),
            Format(name="jspf", label="JSPF", extensions=(".jspf", ".json"), module="jspf"),
            Format(name="csv", label="Exportify CSV", extensions=(".csv", ".tsv"), module="exportify"),
            Format(
                name="itunes",
                label="iTunes XML",
                extensions=(".xml", ".plist"),
                module="itunes",
                can_export=False,
            ),
            Format(name="markdown", label="Markdown", extensions=(".md", ".markdown"), module="markdown"),
        )
    }
)


def find_format(name: str) -> Format:
    """The format of that name or extension, in any case. Raises UserError with the list."""
    wanted = name.lower().lstrip(".")
    for entry in FORMATS.values():
        if wanted == entry.name or f".{wanted}" in entry.extensions:
            return entry
    raise UserError(f"There is no format {name!r}. Choose one of: {', '.join(FORMATS)}.")


def detect(filename: str, content: bytes) -> str:
    """The name of the format of a file: by what it unmistakably begins with, else by extension, else by its look.

    Either may be empty. Raises BadFile if neither tells.
    """
    head = _head(content)
    sure = _by_signature(head)
    if sure:
        return sure
    _, dot, extension = filename.rpartition(".")
    for entry in FORMATS.values():
        if dot and f".{extension.lower()}" in entry.extensions:
            return entry.name
    if likely := _by_look(head):
        return likely
    known = ", ".join(f"{entry.label} ({entry.extensions[0]})" for entry in FORMATS.values())
    raise BadFile(f"Neither the file's name nor its beginning says what it is. Say which format: {known}.")


def _head(content: bytes) -> str:
    head = content[:_HEAD_BYTES]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace").lstrip()
    return head.decode("utf-8-sig", "replace").lstrip()


def _by_signature(head: str) -> str:
    if head.startswith("bplist0"):
        return "itunes"
    if head[:7].upper() == "#EXTM3U":
        return "m3u8"
    if head.startswith("<") and (found := re.search(r"<(plist|playlist|html)\b", head, re.IGNORECASE)):
        if found[1].lower() == "html":
            raise BadFile("Line 1: this is a web page, not a playlist. Download the playlist file itself.")
        return "itunes" if found[1].lower() == "plist" else "xspf"
    return ""


def _by_look(head: str) -> str:
    from whatnext.playlists.formats.columns import looks_like_csv

    if head.startswith("{"):
        return "jspf"
    if looks_like_csv(head):
        return "csv"
    if re.match(r"---\s*\n|#\s|(?:[0-9]+\.|[-*])\s", head):
        return "markdown"
    return ""
