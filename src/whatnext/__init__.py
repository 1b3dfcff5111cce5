"""WhatNext: playlists that belong to the people who make them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whatnext.embedding import open_node as open_node

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name == "open_node":  # loaded when it is used: `whatnext --help` needs none of it
        from whatnext.embedding import open_node

        return open_node
    raise AttributeError(f"module 'whatnext' has no attribute '{name}'")
