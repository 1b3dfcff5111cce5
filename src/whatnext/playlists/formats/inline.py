"""Text inside Markdown: escaped so that it renders as it is and cannot end the element it stands in."""

import re

# What Markdown may read as markup inside a line. A backslash before ASCII punctuation is Markdown's own escape.
_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~]")
# What begins a list, a heading, a quotation or a rule when it begins a line.
_BLOCK = re.compile(r"(?:[-+=#]|[0-9]+(?=[.)]))")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|&#183;")
# The middle dot separates our fields and has no backslash escape: beside a space, or at an end, it is an entity.
_LOOSE_DOT = re.compile(r"(?<!\S)·|·(?!\S)")


def escape(text: str, also: str = "") -> str:
    """One line of text as Markdown; each character of `also` gets a backslash too."""
    text = _SPECIAL.sub(r"\\\g<0>", text)
    for character in also:
        text = text.replace(character, "\\" + character)
    return _LOOSE_DOT.sub("&#183;", text)


def escape_block(text: str) -> str:
    """One line of text that begins a block: a note's line must not become a list or a heading."""
    text = escape(text)
    indent = len(text) - len(text.lstrip())
    if found := _BLOCK.match(text, indent):
        # A number is no punctuation: its dot or bracket is escaped instead.
        at = found.end() if found[0].isdigit() else indent
        text = f"{text[:at]}\\{text[at:]}"
    return text


def unescape(text: str) -> str:
    """The text that Markdown shows: escapes taken away."""
    return _ESCAPED.sub(lambda found: found[1] or "·", text)


def split(text: str, separator: str) -> list[str]:
    """The parts between unescaped separators (of one character), still escaped."""
    parts = [""]
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def find(text: str, marker: str, start: int) -> int:
    """Where the unescaped `marker` first stands from `start` on; -1 if nowhere."""
    for found in re.finditer(r"\\.|" + re.escape(marker), text[start:], re.DOTALL):
        if found[0] == marker:
            return start + found.start()
    return -1
