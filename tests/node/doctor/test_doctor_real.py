"""`whatnext doctor` in processes of its own: beside a real node, and in namespaces where the network is broken."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from whatnext.lab import Host, Lab, NatKind, why_not
from whatnext.node.doctor.verdict import Report, State, Verdict

pytestmark = pytest.mark.real


@pytest.fixture
def lab() -> Iterator[Lab]:
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


class Doctor:
    """The verdicts of one run, by check."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        out, errors = process.communicate(timeout=30)
        assert errors == b""
        self.status = process.returncode
        self.report = msgspec.json.decode(out, type=Report)

    def __getitem__(self, check: str) -> Verdict:
        return next(each for each in self.report.verdicts if each.check == check)


def ask(host: Host, profile: Path) -> Doctor:
    command = ("-m", "whatnext", "--profile", str(profile), "doctor", "--json")
    return Doctor(host.python(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))


@contextmanager
def node_on(host: Host, profile: Path, *options: str) -> Iterator[list[str]]:
    """Yields the addresses the node announces."""
    node = host.python(
        "-m", "whatnext", "--profile", str(profile), "node", "--ready-line", *options, stdout=subprocess.PIPE
    )
    try:
        yield msgspec.json.decode(node.stdout.readline())["addresses"]
    finally:
        node.send_signal(signal.SIGTERM)
        assert node.wait(10) == 0


def test_a_device_on_a_lan_with_a_neighbour_has_no_problem(lab, tmp_path):
    home, hosts = lab.lan("home"), [lab.host("anna"), lab.host("ben")]
    for host in hosts:
        home.attach(host)
    with node_on(hosts[0], tmp_path / "anna"), node_on(hosts[1], tmp_path / "ben") as addresses:
        command = ("-m", "whatnext", "--profile", str(tmp_path / "anna"), "connect", addresses[0])
        assert hosts[0].python(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(20) == 0
        for _ in range(20):  # greeting and discovery take a moment
            seen = ask(hosts[0], tmp_path / "anna")
            if seen["clock"].verdict is seen["neighbours"].verdict is State.OK:
                break
    assert (seen.status, seen.report.problems, seen.report.node_running) == (0, 0, True)
    assert {each.check for each in seen.report.verdicts if each.verdict is not State.OK} <= {"firewall"}
    assert "Devices on this network can dial this one" in seen["reachable"].seen
    assert "Peers compared: 1" in seen["clock"].seen
    assert addresses[0][-6:] in seen["neighbours"].seen
    assert hosts[0].address in seen["announced addresses"].seen
    assert "ws" in seen["listening"].seen


def test_a_device_with_nothing_but_loopback_is_told_that_it_is_on_no_network(lab, tmp_path):
    seen = ask(lab.host("alone"), tmp_path / "p")
    assert seen.status == 1
    assert seen["interfaces"].verdict is State.PROBLEM
    assert "Only loopback" in seen["interfaces"].seen
    assert seen["announced addresses"].verdict is State.PROBLEM


@pytest.mark.parametrize("direction", ["input", "output"])
def test_multicast_that_a_firewall_blocks_either_way_is_a_problem_that_names_port_and_tool(
    lab, tmp_path, direction
):
    anna = lab.host("anna")
    lab.lan("home").attach(anna)
    assert ask(anna, tmp_path / "p")["multicast"].verdict is State.OK
    rules = f"table inet t {{ chain c {{ type filter hook {direction} priority 0; udp dport 5353 drop\n}}\n}}"
    anna.run(["nft", "-f", "-"], stdin=rules)
    seen = ask(anna, tmp_path / "p")
    assert seen.status == 1
    assert seen["multicast"].verdict is State.PROBLEM
    assert f"eth0 ({anna.address})" in seen["multicast"].seen
    assert "UDP port 5353" in seen["multicast"].next
    assert "nft" in seen["multicast"].next
    assert seen["interfaces"].verdict is State.OK


def test_a_port_5353_that_another_program_keeps_for_itself_is_a_problem_of_its_own(lab, tmp_path):
    anna = lab.host("anna")
    lab.lan("home").attach(anna)
    with anna.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as holder:
        holder.bind(("", 5353))
        seen = ask(anna, tmp_path / "p")
    assert seen["multicast"].verdict is State.PROBLEM
    assert "Another program holds UDP port 5353" in seen["multicast"].seen


def test_tcp_that_a_firewall_blocks_is_seen_by_dialling_the_own_addresses(lab, tmp_path):
    anna = lab.host("anna")
    lab.lan("home").attach(anna)
    with node_on(anna, tmp_path / "p", "--listen", "/ip4/0.0.0.0/tcp/4001"):
        anna.run(
            ["nft", "-f", "-"],
            stdin="table inet t { chain c { type filter hook input priority 0;"
            f" ip daddr {anna.address} tcp dport 4001 drop\n}}\n}}",
        )
        seen = ask(anna, tmp_path / "p")
    assert seen["listening"].verdict is State.PROBLEM
    assert "allow TCP 4001." in seen["listening"].next


def test_an_ipv6_only_interface_is_tested_too(lab, tmp_path):
    anna = lab.host("anna")
    lab.lan("home").attach(anna)
    anna.ip(f"addr del {anna.address}/24 dev eth0", "addr add fd00:77::2/64 dev eth0 nodad")
    assert "eth0" in ask(anna, tmp_path / "p")["multicast"].seen
    assert ask(anna, tmp_path / "p")["multicast"].verdict is State.OK


def test_a_profile_whose_key_others_can_read_is_told_with_status_1_in_words_for_people(tmp_path):
    (tmp_path / "device.key").write_text("x")
    (tmp_path / "device.key").chmod(0o644)
    command = [sys.executable, "-m", "whatnext", "--profile", str(tmp_path), "doctor"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=False)
    assert done.returncode == 1
    assert "problem      device key: " in done.stdout
    assert f"→ If nobody else used this account, run: chmod 600 {tmp_path}" in done.stdout
    assert "docs/troubleshooting.md" in done.stderr


# NATs: Anna at home behind a router, Ben with a public address elsewhere


PORT = 4001
LISTEN = ("--no-mdns", "--listen", f"/ip4/0.0.0.0/tcp/{PORT}")
SHUT = (
    "table inet t {{ chain c {{ type filter hook input priority 0; ct state new tcp dport {port} drop\n}}\n}}"
)


class Home:
    """Anna behind a router, and what her doctor says of being reachable once her node has dialled Ben's."""

    def __init__(self, lab: Lab, kind: NatKind | None) -> None:
        internet = lab.lan("internet", "5.5.5.0/24")
        self.anna, self.ben = lab.host("anna"), lab.host("ben")
        home = internet
        if kind is not None:
            home = lab.lan("home")
            self.router = lab.nat("router", kind, home, internet)
        home.attach(self.anna)
        internet.attach(self.ben)

    @contextmanager
    def running(self, directory: Path) -> Iterator[Callable[[], Verdict]]:
        with (
            node_on(self.anna, directory / "anna", *LISTEN),
            node_on(self.ben, directory / "b", *LISTEN) as at,
        ):
            self.anna.run(
                [sys.executable, "-m", "whatnext", "--profile", str(directory / "anna"), "connect", at[0]]
            )
            yield lambda: ask(self.anna, directory / "anna")["reachable"]

    def forward(self) -> None:
        outside = self.router.addresses[1]
        rule = f"insert rule ip whatnext destination ip daddr {outside} tcp dport {PORT} dnat to {self.anna.address}"
        self.router.run(["nft", "-f", "-"], stdin=rule)


def test_behind_a_nat_nobody_gets_through_until_a_port_is_forwarded(lab, tmp_path):
    home = Home(lab, NatKind.PORT_RESTRICTED)
    with home.running(tmp_path) as reachable:
        shut = reachable()
        home.forward()
        opened = reachable()
    assert shut.verdict is State.WARNING
    assert "Behind a NAT" in shut.seen
    assert "keeps port numbers" in shut.seen
    assert home.router.addresses[1] in shut.seen
    assert f"TCP {PORT}" in shut.next
    assert opened.verdict is State.OK
    assert "behind a NAT that maps a port" in opened.seen
    assert f"/ip4/{home.router.addresses[1]}/tcp/{PORT}" in opened.seen


@pytest.mark.soak
def test_behind_a_nat_with_random_ports_nothing_is_said_of_keeping_them(lab, tmp_path):
    with Home(lab, NatKind.RANDOM).running(tmp_path) as reachable:
        shut = reachable()
    assert shut.verdict is State.WARNING
    assert "Behind a NAT" in shut.seen
    assert "keeps port numbers" not in shut.seen


@pytest.mark.soak
def test_a_public_address_is_told_as_such_and_a_firewall_before_it_is_found(lab, tmp_path):
    home = Home(lab, None)
    with home.running(tmp_path) as reachable:
        assert "with a public address" in reachable().seen
        home.anna.run(["nft", "-f", "-"], stdin=SHUT.format(port=PORT))
        shut = reachable()
    assert shut.verdict is State.WARNING
    assert "firewall" in shut.next
