"""Bytes to text and text to clean text: encodings, control characters, and safe quoting in messages."""

import re

from whatnext.errors import BadFile
from whatnext.playlists.formats.limits import MAX_FILE_BYTES

# Nothing here has a meaning in a title, XML 1.0 cannot carry some of it, and ESC would reach a terminal.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_UNWANTED_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SHOWN_CHARS = 60


def one_line(text: str) -> str:
    """Text fit for a title: no line breaks or control characters, no space around it."""
    if text.isprintable():  # the common case, ten times faster than the expression
        return text.strip()
    return _UNWANTED.sub(" ", text).strip()


def many_lines(text: str) -> str:
    r"""Text fit for a note: lines end with \n and carry no trailing space; no control characters but tabs."""
    if text.isprintable():
        return text.strip()
    text = re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text)
    text = _UNWANTED_IN_LINES.sub(" ", text)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def show(value: object) -> str:
    """A value quoted for a message: one line, no control characters, at most 60 characters."""
    text = one_line(str(value))
    return f"'{text}'" if len(text) <= _SHOWN_CHARS else f"'{text[: _SHOWN_CHARS - 1]}…'"


def check_bytes(content: bytes) -> None:
    """Refuse what no playlist file is: nothing at all, or more than 64 MiB. Raises BadFile."""
    if not content:
        raise BadFile("The file is empty. Export the playlist again and import the new file.")
    if len(content) > MAX_FILE_BYTES:
        size = len(content) / 1024 / 1024
        raise BadFile(f"The file has {size:.0f} MiB, at most 64 MiB are read. Split it and import the parts.")


def decode(content: bytes, *, legacy: bool = False) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and warnings: UTF-8, UTF-16 with a byte order mark or, if `legacy`, Latin-1.

    Raises BadFile, with the line, for anything else and for binary data.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _checked(_strictly(content, "utf-16", "UTF-16")), ()
    if (nul := content.find(b"\0")) >= 0:
        raise BadFile(_binary(1 + content.count(b"\n", 0, nul)))
    try:
        return _checked(content.decode("utf-8-sig")), ()
    except UnicodeDecodeError:
        if not legacy:
            return _strictly(content, "utf-8-sig", "UTF-8"), ()
    return _checked(_latin(content)), (
        "The file is not UTF-8 and was read as Latin-1 (Windows-1252): if titles look wrong, save it as UTF-8"
        " and import it again.",
    )


def _strictly(content: bytes, codec: str, name: str) -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        # utf-8-sig counts from after its mark: three bytes do not change the line.
        line = 1 + content.count(b"\n", 0, error.start)
        raise BadFile(
            f"Line {line}: the text is not {name}. Save the file as UTF-8 and import it again."
        ) from error


def _latin(content: bytes) -> str:
    """Windows-1252 as browsers read it: Latin-1 with curly quotes, its five empty places left as they are."""
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _checked(text: str) -> str:
    if (found := _BINARY.search(text)) and (found[0] == "\0" or len(_BINARY.findall(text)) * 20 > len(text)):
        raise BadFile(_binary(1 + text.count("\n", 0, found.start())))
    return text


def _binary(line: int) -> str:
    return (
        f"Line {line}: the file holds binary data, not text. Choose the playlist file itself,"
        " or save it as UTF-8 if it is text in another encoding."
    )
