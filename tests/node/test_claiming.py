"""Who waits for a profile, and for how long."""

import os

import pytest
import trio

from whatnext.config import ProfileLock
from whatnext.errors import ProfileBusy
from whatnext.node import state_file
from whatnext.node.api.server import bind
from whatnext.node.claiming import WAIT_S, claimed


async def test_a_node_waits_for_a_command_that_has_the_profile_just_then(tmp_path, nursery, autojump_clock):
    command = ProfileLock(tmp_path)
    command.acquire()

    async def finish() -> None:
        await trio.sleep(WAIT_S / 2)
        command.release()

    nursery.start_soon(finish)
    with await claimed(tmp_path):
        assert WAIT_S / 2 <= trio.current_time() < WAIT_S
        with pytest.raises(ProfileBusy):
            command.acquire()
    command.acquire()
    command.release()


async def test_who_does_not_let_go_is_named_in_the_end(tmp_path, autojump_clock):
    with ProfileLock(tmp_path), pytest.raises(ProfileBusy, match=f"process {os.getpid()} uses"):
        await claimed(tmp_path)
    assert WAIT_S <= trio.current_time() < WAIT_S + 1


@pytest.mark.real
async def test_a_node_that_answers_is_not_waited_for_and_one_that_stops_is(tmp_path, autojump_clock):
    with ProfileLock(tmp_path), bind(0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        found = state_file.NodeFile(url=url, token="", pid=os.getpid(), peer="", started=0)
        state_file.write(tmp_path, found)
        with pytest.raises(ProfileBusy):
            await claimed(tmp_path)
        assert trio.current_time() == 0
        listener.close()
        with pytest.raises(ProfileBusy):
            await claimed(tmp_path)
        assert trio.current_time() >= WAIT_S
