"""A program with a node inside: joins a playlist by its link, prints what friends do to it, and adds what you type.

python demo/jukebox.py PROFILE-DIRECTORY 'whtnxt://join/…'
"""

import sys

import trio

import whatnext
from whatnext.embedding import Collection, EmbeddedNode
from whatnext.errors import WhatNextError


async def watch(entries: Collection, playlist: str) -> None:
    """Say what is there, then what changes."""
    titles: dict[str, str] = {}
    with entries.watch({"playlistId": playlist}) as live:
        async for step in live:
            for entry in step.changed:
                word = "changed" if entry["id"] in titles else "there"
                titles[entry["id"]] = entry["title"]
                print(f"{word}: {entry['title']}", flush=True)
            for key in step.gone:
                print(f"gone: {titles.pop(key)}", flush=True)


async def add(entries: Collection, playlist: str) -> None:
    """Add a track for each line that is typed."""
    async for line in trio.wrap_file(sys.stdin):
        if line.strip():
            try:
                entries.insert({"playlistId": playlist, "title": line.strip()})
            except WhatNextError as error:
                print(error, flush=True)


async def arrival(node: EmbeddedNode, playlist: str) -> None:
    """Wait until a member let us in."""
    with node.collections["playlists"].watch({"id": playlist}) as live:
        async for step in live:
            if step.changed:
                return


async def main(profile: str, link: str) -> None:
    """Run until the typing ends."""
    async with whatnext.open_node(profile) as node:
        playlist = (await node.do("join", link=link)).playlist
        await arrival(node, playlist)
        entries = node.collections["entries"]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, entries, playlist)
            await add(entries, playlist)
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    try:
        trio.run(main, *sys.argv[1:3])
    except WhatNextError as error:
        sys.exit(str(error))
