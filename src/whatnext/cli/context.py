"""What every command is given: where the profile is, how to print, and somebody to ask."""

import sys
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from whatnext.cli.backend import Backend, choose_backend
from whatnext.cli.words import harmless

T = TypeVar("T")


class Context:
    """One run of the command line."""

    def __init__(self, profile: Path | None = None, *, as_json: bool = False) -> None:
        self.profile = profile
        self.as_json = as_json
        self._backend: Backend | None = None

    @property
    def backend(self) -> Backend:
        """The running node, or the profile itself; chosen once, when first needed."""
        if self._backend is None:
            self._backend = choose_backend(self.profile)
        return self._backend

    def ask(self, operation: str, request: msgspec.Struct, response: type[T]) -> T:
        """Perform an operation; raises the same errors whichever backend does it."""
        return self.backend.ask(operation, request, response)

    def close(self) -> None:
        """Let go of the profile."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def show(self, answer: Any) -> bool:
        """With `--json`, print the answer itself as one document; return whether that was done."""
        if self.as_json:
            self.write(msgspec.json.encode(answer) + b"\n")
        return self.as_json

    def write(self, data: bytes) -> None:
        """Bytes on stdout, exactly."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def print(self, text: str = "") -> None:
        """Data for people, on stdout."""
        sys.stdout.write(harmless(text, keep="\n") + "\n")

    def say(self, message: str) -> None:
        """A message or the next step, on stderr; silent with `--json`."""
        if not self.as_json:
            sys.stdout.flush()
            sys.stderr.write(harmless(message, keep="\n") + "\n")
