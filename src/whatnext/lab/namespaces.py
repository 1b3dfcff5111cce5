"""Linux network namespaces without names: one lives as long as a descriptor of it is open or a process is in it.

So there is nothing to clean up on the disk, and nothing is left when the program that made them is killed.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_T = TypeVar("_T")


def create() -> int:
    """Make an empty network namespace; its descriptor. Raises `OSError` without the right to."""
    return in_thread(_unshare)


def inside(namespace: int, work: Callable[[], _T]) -> _T:
    """Run `work` in a thread that is inside the namespace: sockets and devices made there belong to it for good."""

    def run() -> _T:
        _call("setns", namespace, _CLONE_NEWNET)
        return work()

    return in_thread(run)


def path_of(namespace: int) -> str:
    """How a child process that inherits the descriptor names the namespace."""
    return f"/proc/self/fd/{namespace}"


def in_thread(work: Callable[[], _T]) -> _T:
    """Run `work` in a thread made for it, which takes its namespace with it when it ends; raises what it raises."""
    results: list[_T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - raised in the calling thread
            errors.append(error)

    thread = threading.Thread(target=run, name="whatnext-lab")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _unshare() -> int:
    _call("unshare", _CLONE_NEWNET)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns and os.unshare came with Python 3.12
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
