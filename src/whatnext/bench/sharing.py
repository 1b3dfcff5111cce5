"""Nodes that share one playlist, over connections as a bench wants them."""

from itertools import combinations
from typing import Literal

import msgspec

from whatnext.bench.material import tracks
from whatnext.bench.nodes import Node, has_arrived, in_sync_with, wait_until

Shape = Literal["mesh", "star"]
"""Everybody connected with everybody, or only with the first node."""


def share_playlist(running: list[Node], entries: int, shape: Shape = "mesh") -> str:
    """A playlist that all nodes have and are in sync about with every node they are connected to; its id."""
    owner, *others = running
    playlist: str = owner.ask("playlist.create", name="Kitchen party")["id"]
    source = tracks()
    for start in range(0, entries, 100):
        batch = [msgspec.to_builtins(next(source)) for _ in range(min(100, entries - start))]
        owner.ask("playlist.add", playlist=playlist, tracks=batch)
    link = owner.ask("invite.create", playlist=playlist)["link"]
    for node in others:
        node.ask("join", link=link)
    wait_until(lambda: all(has_arrived(node, playlist) for node in others), "every node has the playlist")
    if shape == "mesh":
        for one, other in combinations(others, 2):
            one.ask("connect", target=other.addresses[0])
    links = {node: len(others) if shape == "mesh" or node is owner else 1 for node in running}
    wait_until(
        lambda: all(in_sync_with(node, playlist) >= links[node] for node in running),
        "every node is in sync with all it is connected to",
    )
    return playlist
