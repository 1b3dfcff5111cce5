"""WhatNext inside another program: `async with whatnext.open_node(profile) as node`, its documents as collections."""

from whatnext.embedding.collection import Collection
from whatnext.embedding.node import EmbeddedNode, open_node
from whatnext.embedding.watching import Changes, Live

__all__ = ["Changes", "Collection", "EmbeddedNode", "Live", "open_node"]
