"""Why two peers found no protocol in common, in one sentence (design §5). Pure text, no network."""

from collections.abc import Sequence


def split(protocol: str) -> tuple[str, str]:
    """Family and version of a protocol id: `/whatnext/sync/1.0.0` → (`/whatnext/sync`, `1.0.0`)."""
    family, _, version = protocol.rpartition("/")
    return family, version


def mismatch_sentence(ours: Sequence[str], theirs: Sequence[str]) -> str:
    """Say who has to update. `ours` are the ids we offered (one family), `theirs` all the ids the peer announces."""
    family, _ = split(ours[0])
    mine = sorted(_numbers(split(protocol)[1]) for protocol in ours)
    other = sorted(_numbers(version) for prefix, version in map(split, theirs) if prefix == family)
    if not other:
        return f"peer does not speak {family}: is it a WhatNext peer?"
    newest_here, newest_there = mine[-1], other[-1]
    depth = 1 if newest_here[:1] != newest_there[:1] else 2
    if newest_there == newest_here:
        return f"peer speaks {family} as this app does, yet refused it: try again"
    sentence = f"peer speaks {family}/{_short(newest_there, depth)}, this app {_short(newest_here, depth)}"
    if newest_there > newest_here:
        return f"{sentence}: update WhatNext"
    return f"{sentence}: ask your friend to update WhatNext"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def _short(version: tuple[int, ...], depth: int) -> str:
    shown = [str(number) for number in version[:depth]]
    return ".".join([*shown, "x"] if len(version) > depth else shown)
