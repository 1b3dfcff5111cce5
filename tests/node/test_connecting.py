import re
from functools import partial

import pytest
import trio

import whatnext
from whatnext.errors import Unreachable
from whatnext.identity import Identity
from whatnext.node.config import NodeConfig

ALONE = NodeConfig(listen=("/ip4/127.0.0.1/tcp/0",), mdns=False)


async def test_connecting_by_hand_does_not_wait_for_a_dial_that_hangs(tmp_path):
    accepted = trio.Event()

    async def never_answer(stream):
        accepted.set()
        await trio.sleep_forever()

    async with (
        whatnext.open_node(tmp_path / "ann", ALONE) as ann,
        whatnext.open_node(tmp_path / "bob", ALONE) as bob,
        trio.open_nursery() as nursery,
    ):
        (listener,) = await nursery.start(partial(trio.serve_tcp, never_answer, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        playlist = (await bob.do("playlist.create", name="Road trip")).id
        link = (await bob.do("invite.create", playlist=playlist)).link
        await ann.do("join", link=re.sub(r"/tcp/\d+", f"/tcp/{port}", link))
        with trio.fail_after(10):
            await accepted.wait()
        [seen] = await ann.do("peers.list")
        assert (seen.connected, seen.connecting) == (False, True)
        with trio.fail_after(3):  # the hanging dial would take 5 s
            made = await ann.do("connect", target=bob.addresses[0])
        assert made.peer == bob.peer
        [seen] = await ann.do("peers.list")
        assert (seen.connected, seen.connecting, seen.paused) == (True, False, False)
        await ann.do("disconnect", peer=bob.peer)
        [seen] = await ann.do("peers.list")
        assert (seen.connected, seen.connecting, seen.paused) == (False, False, True)
        nursery.cancel_scope.cancel()


async def test_a_node_without_mdns_says_so_where_it_would_say_that_nobody_is_here(tmp_path):
    async with whatnext.open_node(tmp_path, ALONE) as ann:
        with pytest.raises(Unreachable, match=r"this network: the node was started with --no-mdns"):
            await ann.do("connect", target=Identity.generate().peer_id)
        assert (await ann.do("discover")).problem == "the node was started with --no-mdns"


async def test_the_list_of_peers_says_why_a_member_is_not_reached(tmp_path):
    async with (
        whatnext.open_node(tmp_path / "ann", ALONE) as ann,
        whatnext.open_node(tmp_path / "bob", ALONE) as bob,
    ):
        playlist = (await bob.do("playlist.create", name="Road trip")).id
        link = (await bob.do("invite.create", playlist=playlist)).link
        await ann.do("join", link=re.sub(r"/tcp/\d+", "/tcp/1", link))
        with trio.fail_after(10):
            while not (seen := await ann.do("peers.list"))[0].problem:  # noqa: ASYNC110 - there is no event for it
                await trio.sleep(0.02)
        assert "refused: nothing listens there" in seen[0].problem
