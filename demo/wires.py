"""The cables between the demo's devices: every connection runs through this process, which can cut one device off.

Each device tells the others the address of its socket here, so nothing goes past it. Which device opened a
connection is read from the system (who owns that port), as a firewall does. Commands come as lines of JSON on
standard input, each is answered by one line; it ends with its input, or after `stay` with the last device.
"""

import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import psutil  # type: ignore[import-untyped]  # comes with libp2p

PIECE = 65536


class Wires:
    """Forwards connections between devices, except those that are cut off."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        self._cut: set[str] = set()
        self._open: list[tuple[frozenset[str], socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._carried = 0

    def add(self, device: str, port: int) -> int:
        """Listen for a device that listens on `port`; return the port others should use."""
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(device, port, listener), daemon=True).start()
        return int(listener.getsockname()[1])

    def started(self, device: str, pid: int) -> int:
        """The device is this process from now on."""
        self._pids[device] = pid
        return pid

    def cut(self, device: str) -> int:
        """Break every connection of a device and allow no new one; return how many were broken."""
        with self._lock:
            self._cut.add(device)
            broken = [each for each in self._open if device in each[0]]
            self._open = [each for each in self._open if device not in each[0]]
        for _, near, far in broken:
            _hang_up(near)
            _hang_up(far)
        return len(broken)

    def heal(self) -> int:
        """Allow everything again; return how many bytes were carried so far."""
        self._cut.clear()
        return self._carried

    def stay(self) -> int:
        """Go on without commands until the last device has ended."""
        while any(psutil.pid_exists(pid) for pid in self._pids.values()):
            time.sleep(1)
        return self._carried

    def _accept(self, device: str, port: int, listener: socket.socket) -> None:
        while True:
            near, (_, source) = listener.accept()
            threading.Thread(target=self._carry, args=(device, port, near, source), daemon=True).start()

    def _carry(self, device: str, port: int, near: socket.socket, source: int) -> None:
        ends = frozenset({device, self._owner(source)})
        far = None
        with self._lock:
            if not ends & self._cut:
                with suppress(ConnectionError):  # the device is gone: hang up below
                    far = socket.create_connection(("127.0.0.1", port))
                    self._open.append((ends, near, far))
        if far is None:
            _hang_up(near)
            return
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pump, args=(near, far), daemon=True).start()
        self._pump(far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # either side is gone: that ends both
            while data := source.recv(PIECE):
                sink.sendall(data)
                self._carried += len(data)
        _hang_up(source)
        _hang_up(sink)

    def _owner(self, port: int) -> str:
        for device, pid in self._pids.items():
            with suppress(psutil.Error):  # it has just ended
                if any(each.laddr.port == port for each in psutil.Process(pid).net_connections("tcp4")):
                    return device
        return "unknown"


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):  # the other side hung up before
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def main() -> None:
    """Obey until standard input ends."""
    wires = Wires()
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        answer = getattr(wires, command.pop("do"))(**command)
        print(json.dumps(answer), flush=True)
    os._exit(0)  # threads that still wait for bytes have nothing left to say


if __name__ == "__main__":
    main()
