"""Home routers of each kind, seen from outside: which port they show, and whom they let in."""

import socket
from collections.abc import Iterator

import pytest

from whatnext.lab import Host, Lab, NatKind

pytestmark = pytest.mark.real

PORT = 4001


# The server from another port, and a stranger.
LETS_IN = {
    NatKind.FULL_CONE: (True, True),
    NatKind.RESTRICTED: (True, False),
    NatKind.PORT_RESTRICTED: (False, False),
    NatKind.RANDOM: (False, False),
}


class World:
    """A host behind a router, a server it talks to, and a stranger; all sockets are bound to `PORT`."""

    def __init__(self, lab: Lab, kind: NatKind) -> None:
        home, internet = lab.lan("home"), lab.lan("internet", "5.5.5.0/24")
        self.server, self.stranger = lab.host("server"), lab.host("stranger")
        internet.attach(self.server)
        internet.attach(self.stranger)
        self.router = lab.nat("router", kind, home, internet)
        self.insider = lab.host("insider")
        home.attach(self.insider)
        self.outside = self.router.addresses[1]
        self.sockets: list[socket.socket] = []

    def udp(self, host: Host, port: int = PORT) -> socket.socket:
        def make() -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((host.address, port))
            made.settimeout(5)
            return made

        self.sockets.append(host.inside(make))
        return self.sockets[-1]


@pytest.fixture(params=list(NatKind))
def kind(request: pytest.FixtureRequest) -> NatKind:
    return request.param


@pytest.fixture
def world(lab: Lab, kind: NatKind) -> Iterator[World]:
    world = World(lab, kind)
    yield world
    for made in world.sockets:
        made.close()


def gets_in(sender: socket.socket, to: tuple[str, int], receiver: socket.socket, within: float = 5) -> bool:
    """Whether a packet arrives; a short `within` is for those that should not."""
    receiver.settimeout(within)
    sender.sendto(b"knock", to)
    try:
        return receiver.recv(100) == b"knock"
    except TimeoutError:
        return False


def test_each_kind_shows_its_ports_and_lets_in_whom_it_should(world, kind):
    insider, server, stranger = world.udp(world.insider), world.udp(world.server), world.udp(world.stranger)
    other_port = world.udp(world.server, PORT + 1)

    insider.sendto(b"first", (world.server.address, PORT))
    _, seen = server.recvfrom(100)
    assert seen[0] == world.outside

    assert gets_in(server, seen, insider)  # the answer, to every kind
    for stranger_socket, let_in in zip((other_port, stranger), LETS_IN[kind], strict=True):
        assert gets_in(stranger_socket, seen, insider, 5 if let_in else 0.3) is let_in

    insider.sendto(b"second", (world.stranger.address, PORT))
    _, seen_by_stranger = stranger.recvfrom(100)
    if kind is NatKind.RANDOM:
        assert seen_by_stranger[1] != seen[1]
    else:
        assert seen_by_stranger == seen == (world.outside, PORT)


def test_two_hosts_behind_port_keeping_routers_reach_each_other_by_sending_at_once(lab):
    internet = lab.lan("internet", "5.5.5.0/24")
    ends = []
    for name in ("anna", "ben"):
        home = lab.lan(name)
        router = lab.nat(f"router of {name}", NatKind.PORT_RESTRICTED, home, internet)
        host = lab.host(name)
        home.attach(host)

        def make(host: Host = host) -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((host.address, PORT))
            made.settimeout(5)
            return made

        ends.append((host.inside(make), (router.addresses[1], PORT)))
    (anna, to_anna), (ben, to_ben) = ends
    with anna, ben:
        assert not gets_in(anna, to_ben, ben, 0.3)
        assert gets_in(ben, to_anna, anna)
        assert gets_in(anna, to_ben, ben)
