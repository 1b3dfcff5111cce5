"""Ends the processes of a lab, also when the program that ran the lab was killed.

Every process of a lab carries a mark in its environment, which its children inherit. A small watcher waits for the
end of a pipe that only the lab's program holds: however that program ends, the watcher then kills what is marked.
Standard library only: the watcher starts in 30 ms.
"""

import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator

VARIABLE = "WHATNEXT_LAB"
PATIENCE_S = 3.0


def new_mark() -> str:
    """Mark for a lab of this process: its PID, when it started, and something random."""
    return f"{os.getpid()}.{_start_time(os.getpid())}.{secrets.token_hex(4)}"


def kill_marked(mark: str) -> list[int]:
    """Kill every process with this mark; PIDs that are still there after 3 s (never seen, but not hidden)."""
    deadline = time.monotonic() + PATIENCE_S
    while left := [pid for pid, found in marked() if found == mark]:
        for pid in left:
            _kill(pid)
        if time.monotonic() > deadline:
            return left
        time.sleep(0.005)
    return []


def kill_orphans() -> None:
    """Kill the processes of labs whose program is gone: its watcher was killed as well."""
    for mark in {found for _, found in marked()}:
        owner, _, rest = mark.partition(".")
        if not owner.isdigit() or _start_time(int(owner)) != rest.partition(".")[0]:
            kill_marked(mark)


def marked() -> Iterator[tuple[int, str]]:
    """PID and mark of every living process of any lab, except this one."""
    prefix = f"{VARIABLE}=".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                environment = file.read()
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
        for line in environment.split(b"\0"):
            if line.startswith(prefix):
                yield int(entry), line.removeprefix(prefix).decode("ascii", "replace")


def _start_time(pid: int) -> str:
    """When a process started, in ticks since boot; "" when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]  # proc(5): field 22
    except OSError:
        return ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.stdin.buffer.read()
    kill_marked(sys.argv[1])
