"""Who opens links of a scheme on a freedesktop system: edits of the text of `mimeapps.list`, and nothing else of it.

xdg-mime can set a default but not take it back, so that a user could never be rid of ours; this can. The format is the
"Association between MIME types and applications" specification, 1.0.1: an ini file whose lists end in semicolons.
"""

DEFAULTS = "[Default Applications]"


def with_default(text: str, mime: str, entry: str) -> str:
    """The file with `entry` (a .desktop file's name) as the default for `mime`; those before it stay, behind it."""
    others = [each for each in defaults(text, mime) if each != entry]
    return _with(text, mime, [entry, *others])


def without_default(text: str, mime: str, entry: str) -> str:
    """The file without `entry` among the defaults for `mime`; whoever was behind it is the default again."""
    if entry not in defaults(text, mime):
        return text
    return _with(text, mime, [each for each in defaults(text, mime) if each != entry])


def defaults(text: str, mime: str) -> list[str]:
    """The .desktop files that open `mime`, the first that is installed does."""
    lines = text.splitlines()
    found = _line(lines, mime)
    if found is None:
        return []
    listed = lines[found].partition("=")[2]
    return [each.strip() for each in listed.split(";") if each.strip()]


def _with(text: str, mime: str, entries: list[str]) -> str:
    lines = text.splitlines()
    found = _line(lines, mime)
    wanted = [f"{mime}={';'.join(entries)};"] if entries else []
    if found is not None:
        lines[found : found + 1] = wanted
    elif wanted and DEFAULTS in map(str.strip, lines):
        at = [line.strip() for line in lines].index(DEFAULTS)
        lines[at + 1 : at + 1] = wanted
    elif wanted:
        lines += [*([""] if lines else []), DEFAULTS, *wanted]
    return "".join(f"{line}\n" for line in lines)


def _line(lines: list[str], mime: str) -> int | None:
    """Where in the group of defaults the MIME type stands."""
    inside = False
    for number, line in enumerate(lines):
        if line.strip().startswith("["):
            inside = line.strip() == DEFAULTS
        elif inside and line.partition("=")[0].strip() == mime:
            return number
    return None
