"""A network of the lab: a bridge in a namespace of its own, and the links from it to hosts."""

import fcntl
import functools
import ipaddress
import os
import socket
import struct
import subprocess
import time
from typing import Any

import msgspec

from whatnext.errors import LocalError
from whatnext.lab.host import Host
from whatnext.lab.namespaces import path_of
from whatnext.lab.pacing import Quality

_SIOCGIFFLAGS, _IFF_RUNNING = 0x8913, 0x40  # netdevice(7)
_CARRIER_S = 5.0  # the kernel looks once a second at the latest
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h


class Link:
    """The cable from one host to a LAN; `device` is its name in the host, `port` in the bridge's namespace."""

    def __init__(self, switch: Host, port: str, host: Host, device: str, address: str) -> None:
        self.host = host
        self.device = device
        self.address = address
        self._switch = switch
        self._port = port

    def cut(self) -> None:
        """Let nothing through from now on, without a sign: both ends still see a carrier."""
        # Not by the port's state: the kernel enables a disabled port again when it notices the carrier, later.
        self._switch.ip(f"link set dev {self._port} nomaster")

    def heal(self) -> None:
        """Undo `cut`."""
        self._switch.ip(f"link set dev {self._port} master br0")

    def unplug(self) -> None:
        """Take the cable out: the host sees that its carrier is gone."""
        self._switch.ip(f"link set dev {self._port} down")

    def plug(self) -> None:
        """Undo `unplug`."""
        self._switch.ip(f"link set dev {self._port} up")
        self.wait_until_it_carries()

    def wait_until_it_carries(self) -> None:
        """Wait until the kernel has noticed both carriers: before that it drops packets without a word."""
        for host, device in ((self._switch, self._port), (self.host, self.device)):
            host.inside(functools.partial(_wait_until_running, device))


class BadLink(Link):
    """A link that frames pass through a process, which delays, drops and paces them."""

    def __init__(self, *place: Any, quality: Quality, seed: int) -> None:
        super().__init__(*place)
        ends = (_tap(self._switch, self._port), _tap(self.host, self.device))
        self._forwarder = self._switch.python(
            "-m",
            "whatnext.lab.forwarder",
            *map(str, ends),
            str(seed),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=ends,
        )
        for end in ends:
            os.close(end)
        self.change(quality)

    def change(self, quality: Quality) -> None:
        """Behave so from now on; frames on their way arrive as they would have. Seeded: losses repeat in a new run."""
        assert self._forwarder.stdin is not None
        assert self._forwarder.stdout is not None
        self._forwarder.stdin.write(msgspec.json.encode(quality) + b"\n")
        self._forwarder.stdin.flush()
        if self._forwarder.stdout.readline() != b"set\n":
            raise LocalError(
                f"the link of {self.host.name} has no forwarder any more: it ended or was killed"
            )


class Lan:
    """A switch and the addresses on it. Made by `Lab.lan`; `gateway` becomes the default route of who comes later."""

    def __init__(self, switch: Host, subnet: str) -> None:
        self.gateway: str | None = None
        self._switch = switch
        self._subnet = ipaddress.IPv4Network(subnet)
        self._free = iter(list(self._subnet.hosts())[1:])  # the first is for a router
        self._ports = 0
        switch.ip("link add br0 type bridge forward_delay 0", "link set br0 up")

    def attach(
        self, host: Host, quality: Quality | None = None, *, seed: int = 1, address: str | None = None
    ) -> Link:
        """Connect a host with a new device and address: by a plain cable, or by a bad one when `quality` is given."""
        self._ports += 1
        address = address or str(next(self._free))
        place = (self._switch, f"p{self._ports}", host, f"eth{host.interfaces}", address)
        host.interfaces += 1
        link = _cable(*place) if quality is None else BadLink(*place, quality=quality, seed=seed)
        self._switch.ip(f"link set p{self._ports} master br0 up")
        route = [f"route add default via {self.gateway}"] if self.gateway else []
        host.ip(
            f"addr add {address}/{self._subnet.prefixlen} brd + dev {link.device}",
            f"link set {link.device} up",
            *route,
        )
        host.addresses.append(address)
        link.wait_until_it_carries()
        return link

    def router_address(self) -> str:
        """First address of the subnet, kept for a router."""
        return str(next(self._subnet.hosts()))


def _cable(switch: Host, port: str, host: Host, device: str, address: str) -> Link:
    switch.ip(
        f"link add {port} type veth peer name {device} netns {path_of(host.namespace)}",
        through=[host.namespace],
    )
    return Link(switch, port, host, device, address)


def _wait_until_running(device: str) -> None:
    request = struct.pack("16sH22x", device.encode(), 0)
    deadline = time.monotonic() + _CARRIER_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        while not struct.unpack("16xH22x", fcntl.ioctl(asking, _SIOCGIFFLAGS, request))[0] & _IFF_RUNNING:
            if time.monotonic() > deadline:
                raise LocalError(f"{device} of the lab has no carrier after {_CARRIER_S:g} s")
            time.sleep(0.002)


def _tap(host: Host, name: str) -> int:
    """Make a TAP device in the host; its descriptor. The kernel hands over whole frames with checksums done."""

    def make() -> int:
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
        return end

    return host.inside(make)
