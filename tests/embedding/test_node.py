import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

import whatnext
from whatnext.errors import ProfileBusy, UserError
from whatnext.node.config import NodeConfig

DEMO = Path(__file__).parents[2] / "demo"
SOURCE = Path(whatnext.__file__).parents[1]
ALONE = NodeConfig(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)


async def test_two_programs_share_a_playlist_and_watch_each_other(tmp_path):
    async with (
        whatnext.open_node(tmp_path / "ann", ALONE) as ann,
        whatnext.open_node(tmp_path / "bob", ALONE) as bob,
    ):
        playlist = (await ann.do("playlist.create", name="Road trip")).id
        invite = await ann.do("invite.create", playlist=playlist, role="editor")
        await bob.do("join", link=invite.link)
        titles = set()
        with trio.fail_after(20), ann.collections["entries"].watch({"playlistId": playlist}) as live:
            await anext(live)
            with bob.collections["playlists"].watch() as arriving:
                async for step in arriving:
                    if step.changed:
                        break
            bob.collections["entries"].insert({"playlistId": playlist, "title": "From Bob"})
            async for step in live:
                titles |= {document["title"] for document in step.changed}
                if titles:
                    break
        assert titles == {"From Bob"}


async def test_an_operation_that_does_not_exist_is_named(tmp_path):
    async with whatnext.open_node(tmp_path, ALONE) as node:
        assert any(node.peer in address for address in node.addresses)
        with pytest.raises(UserError, match="there are"):
            await node.do("playlist.invent")
        with pytest.raises(UserError, match="title"):
            await node.do("playlist.create", title="x")
        with pytest.raises(ProfileBusy):
            async with whatnext.open_node(tmp_path, ALONE):
                pass


async def test_what_the_program_raises_comes_out_as_itself(tmp_path):
    with pytest.raises(ZeroDivisionError):
        async with whatnext.open_node(tmp_path, ALONE):
            raise ZeroDivisionError


def test_importing_whatnext_loads_neither_libp2p_nor_the_node():
    code = (
        "import sys, whatnext; sys.exit(any(m.startswith(('libp2p', 'whatnext.node')) for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.real
async def test_the_jukebox_joins_says_what_changes_and_adds_what_is_typed(tmp_path):
    async with whatnext.open_node(tmp_path / "ann", ALONE) as ann:
        playlist = (await ann.do("playlist.create", name="Road trip")).id
        ann.collections["entries"].insert({"playlistId": playlist, "title": "One"})
        link = (await ann.do("invite.create", playlist=playlist, role="editor")).link
        command = [sys.executable, str(DEMO / "jukebox.py"), str(tmp_path / "bob"), link]
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        try:
            with trio.fail_after(40), ann.collections["entries"].watch({"playlistId": playlist}) as live:
                await anext(live)
                assert (await process.stdout.receive_some()).startswith(b"there: One")
                await process.stdin.send_all(b"Two\n")
                assert [entry["title"] for entry in (await anext(live)).changed] == ["Two"]
                await process.stdin.aclose()
                assert await process.wait() == 0
        finally:
            process.kill()
