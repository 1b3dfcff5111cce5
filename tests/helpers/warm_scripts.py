"""Runs scripts, each in a fork of this process, which has imported what they need; `AT_ONCE` at a time.

Each line of stdin is a JSON list of paths. As a script ends, a line says so: a JSON list of its path, its exit status
and what it printed. So a script is as alone as in a process of its own, without the second that its imports take.
Imports what its arguments name.
"""

import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import threading
import traceback
from typing import IO

SECONDS = 60  # a script should need less than 2; a busy machine may need more
AT_ONCE = 4  # most of their time they wait


def in_child(path: str, printed: int) -> int:
    """Run the script with its output going to `printed`; the exit status."""
    signal.alarm(SECONDS)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    os.chdir(os.path.dirname(path))
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as ended:
        return 1 if isinstance(ended.code, str) else ended.code or 0
    except BaseException:  # noqa: BLE001 - as python does it, and nothing may return to the parent's code
        traceback.print_exc()
        return 1
    return 0


def start(path: str, printed: IO[bytes]) -> int:
    """Fork; the child's process id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = in_child(path, printed.fileno())
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
    return pid


def run_all(paths: list[str]) -> None:
    """Run these scripts, and tell of each as it ends; a negative exit status is the signal that ended it."""
    waiting, running = list(reversed(paths)), {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            path, printed = waiting.pop(), tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was read
            running[start(path, printed)] = path, printed
        pid, status = os.wait()
        path, printed = running.pop(pid)
        with printed:
            printed.seek(0)
            text = printed.read().decode(errors="replace")
        print(json.dumps([path, os.waitstatus_to_exitcode(status), text]), flush=True)


def main() -> None:
    """Import, then serve until stdin ends."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork with threads is not safe: which import started one?"
    for line in sys.stdin:
        run_all(json.loads(line))


if __name__ == "__main__":
    main()
