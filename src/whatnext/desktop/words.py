"""What the desktop says outside of its pages, in notifications and the tray: all of it, to be translated here."""

from collections.abc import Mapping, Sequence

from whatnext.cli.words import harmless

APP = "WhatNext"
OPEN = "Open WhatNext"
QUIT = "Quit WhatNext"
NOTIFICATIONS = "Tell me what friends do"
SOMEBODY = "Somebody"
_NAME = 40
_LISTED = 2
"""Names in one sentence, before “others”."""


def around(count: int) -> str:
    """How many friends are connected."""
    return {0: "No friend is connected", 1: "1 friend is connected"}.get(
        count, f"{count} friends are connected"
    )


def done(joined: Sequence[str], added: Mapping[str, int]) -> str:
    """What happened in one playlist: who joined, who added how many tracks."""
    sentences = [f"{_people(joined)} joined"] if joined else []
    if added:
        total = sum(added.values())
        sentences.append(f"{_people(list(added))} added {'a track' if total == 1 else f'{total:,} tracks'}")
    return ". ".join(sentences)


def news_in(playlists: Sequence[str]) -> tuple[str, str]:
    """Title and text where much happened at once."""
    return f"News in {len(playlists)} playlists", _listed([short(name) for name in playlists], "more")


def short(name: str) -> str:
    """A name as others wrote it, on one line, cut when long."""
    name = " ".join(harmless(name, keep="\n\t").split())
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _people(names: Sequence[str]) -> str:
    return _listed([short(name) or SOMEBODY for name in names], "others")


def _listed(names: Sequence[str], rest: str) -> str:
    if len(names) > _LISTED + 1:
        return f"{', '.join(names[:_LISTED])} and {len(names) - _LISTED} {rest}"
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
