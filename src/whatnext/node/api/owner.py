"""Whose process is at the other end of a connection on loopback: the kernel of Linux tells, others do not.

The attacks: another user of this machine who reads a one-time link off a browser's command line (`ps`) and is quicker
than the browser; or whose server on another port is sent our cookie, as cookies are not kept apart by port.
"""

import functools
import os
import socket
import struct
import sys
from typing import Literal

import trio

Whose = Literal["ours", "other", "unknown"]

_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1  # linux/netlink.h, linux/sock_diag.h
_HEADER = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBBI")
_SOCKET_ID = struct.Struct("!HH16s16s")  # the one part in network order
_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # interface, and INET_DIAG_NOCOOKIE
_OWNER_AT = _HEADER.size + 4 + _SOCKET_ID.size + len(_ANY_COOKIE) + 12
_OWNER = struct.Struct("=II")
_ROOT = 0
_NOBODY = ("0.0.0.0", 0)  # noqa: S104 - at the other end of a socket that listens


def whose(connection: socket.socket | trio.socket.SocketType) -> Whose:
    """Whose the socket is that is connected to this one: this user's (or root's), another's, or nobody can tell.

    A socket that was closed already is another's: nobody is there to read an answer. Takes about 20 µs.
    """
    try:
        if connection.family != socket.AF_INET or not _can_tell():
            return "unknown"
        owner = _owner(connection.getpeername(), connection.getsockname())
    except OSError:  # it has ended already, or no file descriptor is left to ask with
        return "unknown"
    return "ours" if owner in (os.getuid(), _ROOT) else "other"


@functools.cache
def _can_tell() -> bool:
    """Ask about a socket of our own: a kernel without this, or a sandbox that has none, gives no answer."""
    if sys.platform != "linux":
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as own:
        own.bind(("127.0.0.1", 0))
        own.listen(1)
        try:
            return _owner(own.getsockname(), _NOBODY) == os.getuid()
        except OSError:
            return False


def _owner(local: tuple[str, int], remote: tuple[str, int]) -> int | None:
    """The user of the TCP socket with these ends, as sock_diag(7) says; None when no process has it any more."""
    ends = _SOCKET_ID.pack(local[1], remote[1], socket.inet_aton(local[0]), socket.inet_aton(remote[0]))
    asked = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends + _ANY_COOKIE
    size = _HEADER.size + len(asked)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.setblocking(False)  # the answer is there when `send` returns
        kernel.send(_HEADER.pack(size, _BY_FAMILY, _REQUEST, 1, 0) + asked)
        answer = kernel.recv(4096)
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY:
        return None
    user, inode = _OWNER.unpack_from(answer, _OWNER_AT)
    return user if inode else None  # without a process its user reads as root
