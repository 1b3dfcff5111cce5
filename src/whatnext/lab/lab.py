"""A laboratory of networks on one Linux machine: hosts, LANs, home routers and bad links, from namespaces alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from whatnext.errors import LocalError
from whatnext.lab import reaper
from whatnext.lab.host import Host
from whatnext.lab.lan import Lan
from whatnext.lab.namespaces import create, inside
from whatnext.lab.nat import NatKind, rules

_TOOLS = {"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux"}


def why_not() -> str | None:
    """Why no lab can be built here, in a sentence, or None when one can."""
    if sys.platform != "linux":
        return "the lab needs Linux: it is made of network namespaces"
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if missing:
        return f"the lab needs the packages {', '.join(missing)}"
    try:
        os.close(create())
    except OSError as error:
        return f"the lab needs to be root: a network namespace cannot be made ({error.strerror})"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "the lab needs /dev/net/tun for its bad links"
    return None


class Lab:
    """Everything in it ends with the block, or with the process, however that ends.

    Not for several threads at once. Raises `LocalError` where none can be built.
    """

    def __init__(self) -> None:
        self.mark = reaper.new_mark()
        self._hosts: list[Host] = []
        self._lans = 0
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        reason = why_not()
        if reason is not None:
            raise LocalError(reason)
        reaper.kill_orphans()
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(reaper.__file__)), self.mark],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the terminal is for the program, not for what cleans up after it
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = reaper.kill_marked(self.mark)
        for host in self._hosts:
            for process in host.processes:
                process.wait()
                for pipe in (process.stdin, process.stdout, process.stderr):
                    if pipe is not None:
                        pipe.close()
            os.close(host.namespace)
        self._hosts.clear()
        if self._watcher is not None and self._watcher.stdin is not None:
            self._watcher.stdin.close()
            self._watcher.wait()
        if left:
            raise LocalError(f"processes of the lab could not be killed: {left}")

    def host(self, name: str) -> Host:
        """Make a machine with nothing but loopback: no network, no route."""
        host = Host(name, create(), self.mark)
        self._hosts.append(host)
        host.ip("link set lo up")
        return host

    def lan(self, name: str, subnet: str | None = None) -> Lan:
        """Make a network; without `subnet` (as `10.1.0.0/24`) it gets the next free one."""
        self._lans += 1
        return Lan(self.host(f"switch of {name}"), subnet or f"10.{self._lans}.0.0/24")

    def nat(self, name: str, kind: NatKind, inside_lan: Lan, outside_lan: Lan) -> Host:
        """Make a router between two networks; hosts attached to the inner one from now on use it."""
        router = self.host(name)
        near = inside_lan.attach(router, address=inside_lan.router_address())
        far = outside_lan.attach(router)
        inside(router.namespace, _forward_packets)
        router.run(["nft", "-f", "-"], stdin=rules(kind, near.device, far.device))
        inside_lan.gateway = near.address
        return router


def _forward_packets() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", "ascii")
