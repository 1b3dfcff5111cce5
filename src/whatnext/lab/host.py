"""A machine of the lab: a network namespace and the processes in it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from whatnext.errors import LocalError
from whatnext.lab import reaper
from whatnext.lab.namespaces import inside, path_of

_T = TypeVar("_T")


class Host:
    """One namespace. Made by `Lab.host`; `address` is its first, `addresses` all that the lab gave it."""

    def __init__(self, name: str, namespace: int, mark: str) -> None:
        self.name = name
        self.namespace = namespace
        self.addresses: list[str] = []
        self.interfaces = 0
        self.processes: list[subprocess.Popen[Any]] = []
        self._mark = mark

    @property
    def address(self) -> str:
        """First address the lab gave it; raises `IndexError` while it is on no network."""
        return self.addresses[0]

    def popen(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any
    ) -> "subprocess.Popen[Any]":
        """Start a command here; options are `subprocess.Popen`'s. Its PID is the command's own; the lab ends it."""
        process = subprocess.Popen(
            ["nsenter", f"--net={path_of(self.namespace)}", "--", *command],
            env={**(os.environ if env is None else env), reaper.VARIABLE: self._mark},
            pass_fds=(*options.pop("pass_fds", ()), self.namespace),
            **options,
        )
        self.processes.append(process)
        return process

    def python(self, *arguments: str, **options: Any) -> "subprocess.Popen[Any]":
        """Start this Python here, with the modules that are importable now; options as for `popen`."""
        environment = {**(options.pop("env", None) or os.environ), "PYTHONPATH": os.pathsep.join(sys.path)}
        return self.popen([sys.executable, *arguments], env=environment, **options)

    def run(self, command: Sequence[str], *, stdin: str = "", timeout: float = 30, check: bool = True) -> str:
        """Run a command here and return what it printed. Raises `LocalError` with its words when it fails."""
        process = self.popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            out, errors = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise LocalError(f"{self.name}: {' '.join(command)} took longer than {timeout:g} s") from None
        finally:
            self.processes.remove(process)
        if check and process.returncode != 0:
            raise LocalError(f"{self.name}: {' '.join(command)} failed: {errors or out}{stdin}")
        return str(out)

    def inside(self, work: Callable[[], _T]) -> _T:
        """Run `work` in a thread inside the namespace: sockets it makes are this host's."""
        return inside(self.namespace, work)

    def ip(self, *lines: str, through: Sequence[int] = ()) -> None:
        """Run iproute2 commands here in one batch; `through` are descriptors of other namespaces they name."""
        command = ["nsenter", f"--net={path_of(self.namespace)}", "--", "ip", "-batch", "-"]
        batch = "\n".join(lines) + "\n"
        done = subprocess.run(
            command,
            input=batch,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=(self.namespace, *through),
        )
        if done.returncode != 0:
            raise LocalError(f"{self.name}: ip failed: {done.stderr.strip()}\n{batch}")
