"""One check's result."""

from enum import StrEnum

import msgspec


class State(StrEnum):
    """How a check ended. `NOT_CHECKED` is said where nothing could be looked at, instead of a guess."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    NOT_CHECKED = "not checked"


class Verdict(msgspec.Struct, frozen=True):
    """`check` is a stable name (docs/troubleshooting.md); `seen` and `next` are sentences for people."""

    check: str
    verdict: State
    seen: str
    next: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything the doctor says; with `node_running` False a part of it could not be looked at."""

    node_running: bool
    problems: int
    verdicts: list[Verdict]
