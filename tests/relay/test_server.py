"""`whatnext relay` as a process: its key, its page, its configuration, its end."""

import json
import re
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import trio
from libp2p.relay.circuit_v2.pb import circuit_pb2 as pb

from whatnext.errors import ConnectionLost
from whatnext.identity import Identity, load_or_create
from whatnext.net import NetConfig, open_network
from whatnext.net.addresses import without_peer
from whatnext.relay.status import read_word

pytestmark = pytest.mark.real


def fetch(url, token=None, **headers):
    request = urllib.request.Request(
        url, headers=headers | ({"Authorization": f"Bearer {token}"} if token else {})
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def whatnext(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "whatnext", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def every_metric_is_there_and_on_the_page_for_hosts(text, root):
    names = set(re.findall(r"(?m)^# TYPE (whatnext_relay_\w+)", text))
    assert len(names) > 8
    page = (root / "docs" / "relay.md").read_text("utf-8")
    assert [name for name in sorted(names) if f"`{name}" not in page] == []
    assert 'whatnext_relay_refused_total{why="circuits_full"} 0.0' in text
    assert 'whatnext_relay_circuits_ended_total{ending="duration"} 0.0' in text
    assert "whatnext_connections{" in text


async def test_a_relay_says_where_it_is_and_keeps_its_key_and_page_to_its_owner(
    relay_process, tmp_path, root
):
    relay = relay_process()
    assert all(address.endswith(f"/p2p/{relay.where.peer}") for address in relay.where.addresses)
    word = read_word(tmp_path / "relay")
    assert (word.peer, word.url, word.pid) == (relay.where.peer, relay.url, relay.process.pid)
    for name in ("relay.json", "device.key"):
        assert stat.S_IMODE((tmp_path / "relay" / name).stat().st_mode) == 0o600
    assert fetch(f"{relay.url}/healthz") == (200, "ok\n")
    assert fetch(f"{relay.url}/status")[0] == 401
    assert fetch(f"{relay.url}/status", word.token)[0] == 200
    assert fetch(f"{relay.url}/healthz", Host="relay.example")[0] == 403
    assert fetch(f"{relay.url}/metrics", Origin="http://page.example")[0] == 403
    assert fetch(f"{relay.url}/other")[0] == 404
    every_metric_is_there_and_on_the_page_for_hosts(fetch(f"{relay.url}/metrics")[1], root)
    again = whatnext("relay", "--profile", tmp_path / "relay", "--ops-port", 0)
    assert again.returncode == 5
    assert f"process {relay.process.pid}" in again.stderr


async def test_status_shows_who_waits_and_who_talks(relay_process, client, tmp_path):
    relay = relay_process()
    async with client(relay.where, waits=True) as anna, client(relay.where) as ben:
        here, there = await ben.circuit(anna)
        await here.send_all(b"x" * 1500)
        assert await there.receive_some() == b"x" * 1500
        run = await trio.to_thread.run_sync(
            whatnext, "relay", "status", "--json", "--profile", tmp_path / "relay"
        )
        told = json.loads(run.stdout)
        assert [w["peer"] for w in told["waiting"]] == [anna.peer]
        [talking] = told["talking"]
        assert (talking["source"], talking["target"]) == (ben.peer, anna.peer)
        assert (talking["to_target"], told["bytes_to_target"]) == (1500, 1500)
        run = await trio.to_thread.run_sync(whatnext, "relay", "status", "--profile", tmp_path / "relay")
        assert "connected 2 of 1,024 · waiting 1 of 512 · circuits 1 of 256" in run.stdout
        assert "carried 1.5 kB there and 0 B back in 1 circuits" in run.stdout
        assert f"…{anna.peer[-6:]}" in run.stdout


async def test_a_killed_relay_comes_back_as_itself(relay_process, client, tmp_path):
    first = relay_process()
    first.process.kill()
    first.process.wait()
    gone = whatnext("relay", "status", "--profile", tmp_path / "relay")
    assert gone.returncode == 6
    assert "whatnext relay" in gone.stderr
    second = relay_process()
    assert second.where.peer == first.where.peer
    async with client(second.where, waits=True):
        assert fetch(f"{second.url}/healthz")[0] == 200


@pytest.mark.soak
async def test_after_a_crash_its_users_are_reachable_again_within_ten_seconds(
    relay_process, client, eventually
):
    first = relay_process()
    async with open_network(Identity.generate(), NetConfig(listen=())) as anna:
        anna.relays.use(first.where.addresses[:1])
        await eventually(lambda: anna.circuits.place(first.where.peer))
        first.process.kill()
        await eventually(lambda: not anna.circuits.place(first.where.peer))
        started = trio.current_time()
        second = relay_process(listen=[without_peer(address) for address in first.where.addresses])
        await eventually(lambda: anna.circuits.place(first.where.peer), within=10)
        print(f"reachable again after {trio.current_time() - started:.1f} s")
        async with client(second.where) as ben:
            await ben.network.dial(anna.peer, [f"{second.where.addresses[0]}/p2p-circuit"])
            assert 0 < await ben.network.ping(anna.peer) < 1


async def test_told_to_stop_it_lets_circuits_finish_and_leaves_nothing_behind(
    relay_process, client, eventually, tmp_path
):
    relay = relay_process()
    async with client(relay.where, waits=True) as anna, client(relay.where) as ben:
        here, there = await ben.circuit(anna)
        relay.process.send_signal(signal.SIGTERM)
        await eventually(lambda: fetch(f"{relay.url}/healthz") == (503, "draining\n"))
        answer, _ = await ben.call(anna.peer)
        assert answer.status == pb.RESOURCE_LIMIT_EXCEEDED
        await here.send_all(b"last words")
        assert await there.receive_some() == b"last words"
        await here.close()
        await there.close()
        with trio.fail_after(5):
            assert await trio.to_thread.run_sync(relay.process.wait) == 0
    assert read_word(tmp_path / "relay") is None


async def test_a_second_signal_ends_it_at_once(relay_process, client, eventually):
    relay = relay_process()
    async with client(relay.where, waits=True) as anna, client(relay.where) as ben:
        here, _ = await ben.circuit(anna)
        relay.process.send_signal(signal.SIGTERM)
        await eventually(lambda: fetch(f"{relay.url}/healthz")[0] == 503)
        relay.process.send_signal(signal.SIGTERM)
        with trio.fail_after(5):
            assert await trio.to_thread.run_sync(relay.process.wait) == 0
            with pytest.raises(ConnectionLost):
                await here.receive_some()


async def test_access_changes_while_it_runs_by_the_files_time_and_by_signal(
    relay_process, client, eventually, tmp_path
):
    config = tmp_path / "relay.toml"
    config.write_text("")
    relay = relay_process("--config", str(config))
    async with client(relay.where, waits=True) as anna:
        config.write_text('[access]\nmode = "allow"\n')  # and nobody listed: refused, nothing changes
        await eventually(lambda: "nobody could get in" in (tmp_path / "log").read_text())
        assert (await anna.reserve()).status == pb.OK
        config.write_text(f'[access]\nblock = ["{anna.peer}"]\n')
        relay.process.send_signal(signal.SIGHUP)
        await eventually(lambda: not anna.network.connections())


def test_a_key_is_copied_once_and_makes_the_same_relay_elsewhere(tmp_path):
    def backup(profile):
        return whatnext("relay", "backup", tmp_path / "copy", "--profile", tmp_path / profile)

    assert backup("none").returncode == 3
    peer = load_or_create(tmp_path / "relay").peer_id
    done = backup("relay")
    assert done.returncode == 0
    assert peer in done.stderr
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
    assert backup("relay").returncode == 2
    (tmp_path / "new").mkdir(mode=0o700)
    (tmp_path / "copy").rename(tmp_path / "new" / "device.key")
    assert load_or_create(tmp_path / "new").peer_id == peer


def test_a_devices_profile_is_no_place_for_a_relay(tmp_path):
    assert whatnext("--profile", tmp_path, "playlist", "create", "Mix").returncode == 0
    refused = whatnext("--profile", tmp_path, "relay", "--ops-port", 0)
    assert refused.returncode == 2
    assert "a directory of its own" in refused.stderr
