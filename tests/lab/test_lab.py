"""Networks on one machine: they carry, they break as told, and nothing of them is left."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from whatnext.errors import LocalError
from whatnext.lab import Host, Lab, Quality, reaper
from whatnext.lab import lab as lab_module

pytestmark = pytest.mark.real

PORT = 4001


def udp(host: Host, port: int = PORT) -> socket.socket:
    """A UDP socket of a host."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((host.address, port))
        return made

    return host.inside(make)


def arrives(sender: socket.socket, receiver: socket.socket, host: Host, within: float = 5.0) -> bool:
    """Whether a packet gets from one to the other; a short `within` is for those that should not."""
    receiver.settimeout(within)
    sender.sendto(b"hello", (host.address, PORT))
    try:
        return receiver.recv(100) == b"hello"
    except TimeoutError:
        return False


def until(condition: Callable[[], bool], within: float = 5.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_hosts_on_one_network_hear_each_other_and_no_other_network(lab):
    anna, ben, carol = lab.host("anna"), lab.host("ben"), lab.host("carol")
    home = lab.lan("home")
    home.attach(anna)
    home.attach(ben)
    lab.lan("office").attach(carol)
    with udp(anna) as a, udp(ben) as b, udp(carol):
        assert arrives(a, b, ben)
        with pytest.raises(OSError, match="unreachable"):
            arrives(a, b, carol)


def test_a_host_has_no_route_to_anywhere_and_not_our_devices(lab):
    anna = lab.host("anna")
    lab.lan("home").attach(anna)
    assert anna.run(["ip", "route", "show", "default"]) == ""
    assert [line.split()[0].split("@")[0] for line in anna.run(["ip", "-br", "link"]).splitlines()] == [
        "lo",
        "eth0",
    ]


def test_a_cut_link_carries_nothing_and_shows_a_carrier_until_it_heals(lab):
    anna, ben = lab.host("anna"), lab.host("ben")
    home = lab.lan("home")
    link = home.attach(anna)
    home.attach(ben)
    with udp(anna) as a, udp(ben) as b:
        assert arrives(a, b, ben)
        link.cut()
        assert not arrives(a, b, ben, 0.3)
        assert not arrives(b, a, anna, 0.3)
        assert "LOWER_UP" in anna.run(["ip", "link", "show", "eth0"])
        link.heal()
        assert arrives(a, b, ben)


def test_a_host_sees_that_its_cable_is_out(lab):
    anna = lab.host("anna")
    link = lab.lan("home").attach(anna)
    link.unplug()
    assert "NO-CARRIER" in anna.run(["ip", "link", "show", "eth0"])
    link.plug()
    until(lambda: "LOWER_UP" in anna.run(["ip", "link", "show", "eth0"]))


def test_a_slow_link_takes_its_time_both_ways(lab):
    anna, ben = lab.host("anna"), lab.host("ben")
    home = lab.lan("home")
    home.attach(anna, Quality(delay_s=0.1))
    home.attach(ben)
    with udp(anna) as a, udp(ben) as b:
        assert arrives(a, b, ben)  # and the addresses of the wire are known now
        started = time.monotonic()
        assert arrives(a, b, ben)
        assert arrives(b, a, anna)
        assert 0.2 <= time.monotonic() - started < 0.4


def test_a_lossy_link_loses_about_the_share_it_is_told_to_and_can_be_changed(lab):
    anna, ben = lab.host("anna"), lab.host("ben")
    home = lab.lan("home")
    link = home.attach(anna, Quality(), seed=3)
    home.attach(ben)
    with udp(anna) as a, udp(ben) as b:
        assert arrives(a, b, ben)
        link.change(Quality(loss=0.5))
        got = sum(arrives(a, b, ben, 0.05) for _ in range(40))
        assert 8 <= got <= 32
        link.change(Quality(loss=1.0))
        assert not arrives(a, b, ben, 0.3)
        link.change(Quality())
        assert arrives(a, b, ben)


def test_tcp_gets_whole_through_a_narrow_link_at_its_rate(lab):
    anna, ben = lab.host("anna"), lab.host("ben")
    home = lab.lan("home")
    home.attach(anna, Quality(rate_bit_s=8e6, delay_s=0.005))
    home.attach(ben)
    listener = ben.inside(lambda: socket.create_server((ben.address, PORT)))
    dialling = anna.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    payload = os.urandom(400_000)
    with listener, dialling:
        dialling.connect((ben.address, PORT))
        accepted, _ = listener.accept()
        with accepted:
            started = time.monotonic()
            sending = threading.Thread(target=lambda: (dialling.sendall(payload), dialling.close()))
            sending.start()
            received = b"".join(iter(lambda: accepted.recv(65536), b""))
            sending.join()
    assert received == payload
    assert 0.4 <= time.monotonic() - started < 2.0  # 400 kB at 1 MB/s


def test_a_command_runs_in_its_host_under_its_own_pid(lab):
    anna = lab.host("anna")
    process = anna.popen(["sleep", "1000"])
    until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
    assert Path(f"/proc/{process.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    process.send_signal(signal.SIGSTOP)
    until(lambda: Path(f"/proc/{process.pid}/stat").read_text().split()[2] == "T")


def test_a_command_that_fails_says_why_and_where(lab):
    with pytest.raises(LocalError, match=r"anna: ip link show nothing failed: .*does not exist"):
        lab.host("anna").run(["ip", "link", "show", "nothing"])


def test_nothing_is_left_of_a_lab_not_even_a_grandchild():
    with Lab() as lab:
        anna = lab.host("anna")
        lab.lan("home").attach(anna, Quality(delay_s=0.01))
        anna.popen(["sh", "-c", "sleep 1000 & sleep 1000"])
        until(lambda: sum(mark == lab.mark for _, mark in reaper.marked()) == 4)
        descriptors = len(os.listdir("/proc/self/fd"))
    assert [mark for _, mark in reaper.marked() if mark == lab.mark] == []
    assert len(os.listdir("/proc/self/fd")) < descriptors


KILLED = """
from whatnext.lab import Lab
with Lab() as lab:
    anna = lab.host("anna")
    lab.lan("home").attach(anna)
    anna.popen(["sh", "-c", "sleep 1000 & sleep 1000"])
    print(lab.mark, lab._watcher.pid, flush=True)
    input()
"""


def killed_lab() -> tuple[str, int, subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    mark, watcher = process.stdout.readline().split()
    until(lambda: sum(found == mark for _, found in reaper.marked()) == 3)
    return mark, int(watcher), process


def test_a_lab_whose_program_is_killed_cleans_up_after_itself(lab):
    mark, _, process = killed_lab()
    with process:
        process.kill()
    until(lambda: mark not in {found for _, found in reaper.marked()})


def test_a_lab_whose_watcher_was_killed_too_is_cleaned_up_by_the_next(lab):
    mark, watcher, process = killed_lab()
    os.kill(watcher, signal.SIGKILL)
    with process:
        process.kill()
    assert mark in {found for _, found in reaper.marked()}
    with Lab():
        assert mark not in {found for _, found in reaper.marked()}


def test_a_running_lab_is_not_an_orphan(lab):
    process = lab.host("anna").popen(["sleep", "1000"])
    reaper.kill_orphans()
    assert process.poll() is None


def test_without_the_right_or_the_tools_it_says_what_is_missing(monkeypatch):
    def refused() -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(lab_module, "create", refused)
    monkeypatch.setattr(lab_module.shutil, "which", lambda tool: tool)
    with pytest.raises(LocalError, match=r"needs to be root.*not permitted"), Lab():
        pass
    monkeypatch.setattr(lab_module.shutil, "which", lambda tool: None)
    with pytest.raises(LocalError, match="packages iproute2, nftables, util-linux"), Lab():
        pass
