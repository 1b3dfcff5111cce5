"""Versions of the sync protocol, newest first, and the sentence for two peers that share none.

The network layer negotiates them (multistream-select); when that fails it asks the peer which protocols it speaks.
"""

from collections.abc import Sequence

FAMILY = "/whatnext/sync/"
PROTOCOLS = (f"{FAMILY}1.0.0",)


def explain_mismatch(theirs: Sequence[str]) -> str:
    """Say who has to update; `theirs` are all protocol ids that the peer names."""
    versions = sorted(version for version in map(_version, theirs) if version is not None)
    if not versions:
        return "the peer does not speak /whatnext/sync: is it a WhatNext peer?"
    newest, ours = versions[-1], _version(PROTOCOLS[0])
    assert ours is not None
    digits = 1 if newest[0] != ours[0] else 2
    sentence = f"peer speaks {FAMILY}{_short(newest, digits)}, this app {_short(ours, digits)}"
    if newest == ours:
        return f"{sentence} too, yet the peer refused it: try again"
    return f"{sentence}: {'update WhatNext' if newest > ours else 'ask the other side to update WhatNext'}"


def _version(protocol: str) -> tuple[int, int, int] | None:
    parts = protocol.removeprefix(FAMILY).split(".")
    if not protocol.startswith(FAMILY) or len(parts) != 3:
        return None
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        return None
    major, minor, patch = map(int, parts)
    return major, minor, patch


def _short(version: tuple[int, ...], digits: int) -> str:
    return ".".join([*map(str, version[:digits]), "x"])
