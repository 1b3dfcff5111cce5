"""Errors as RFC 9457 problem documents, and back: the CLI raises what the node raised."""

from collections.abc import Iterator

import msgspec

from whatnext import errors
from whatnext.errors import Tried, Unreachable, UserError, WhatNextError

TYPE_PREFIX = "urn:whatnext:problem:"
MEDIA_TYPE = b"application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 §3: `type` ends in the stable code, `detail` is the sentence for the user.

    `tried` comes with `unreachable`: what was done to reach the peer, and why it led nowhere.
    """

    type: str
    title: str
    status: int
    detail: str
    tried: list[Tried] = []


class ApiError(WhatNextError):
    """What only HTTP can get wrong (token, host, method, size): carries its own code and status."""

    def __init__(
        self, status: int, code: str, detail: str, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.http_status = status
        self.exit_status = UserError.exit_status if status < 500 else WhatNextError.exit_status
        self.code = code
        self.headers = headers


_API_TITLES = {
    "unauthorized": "The token is missing or wrong",
    "forbidden_host": "The request was not sent to this node",
    "forbidden_origin": "The request comes from another page",
    "forbidden_user": "The request comes from another user of this machine",
    "no_such_path": "There is nothing at this path",
    "unknown_operation": "There is no such operation",
    "method_not_allowed": "This path does not take that method",
    "too_large": "The request is too large",
    "cut_short": "The request is not whole",
    "too_slow": "The request did not come in time",
    "no_such_range": "The file does not have these bytes",
    "too_many_listeners": "Too many clients listen already",
    "internal": "The node made a mistake",
}


def problem_of(error: WhatNextError) -> Problem:
    """The document for an error of ours."""
    title = _API_TITLES.get(error.code) or _title(type(error))
    tried = list(error.tried) if isinstance(error, Unreachable) else []
    return Problem(
        type=TYPE_PREFIX + error.code, title=title, status=error.http_status, detail=str(error), tried=tried
    )


def internal_problem() -> Problem:
    """The document for a programming mistake: its traceback stays in the log."""
    return Problem(
        type=TYPE_PREFIX + "internal",
        title=_API_TITLES["internal"],
        status=500,
        detail="something in WhatNext failed that should not; the node's log has the details. Nothing was half-done",
    )


def error_of(problem: Problem) -> WhatNextError:
    """The error a problem document stands for, so that both backends of the CLI end alike."""
    code = problem.type.removeprefix(TYPE_PREFIX)
    kind = _by_code().get(code)
    if kind is Unreachable:
        return Unreachable(problem.detail, problem.tried)
    if kind is not None:
        return kind(problem.detail)
    return ApiError(problem.status, code, problem.detail)


def _by_code() -> dict[str, type[WhatNextError]]:
    return {
        kind.code: kind for kind in _descendants(errors.WhatNextError) if kind.__module__ == errors.__name__
    }


def _descendants(kind: type[WhatNextError]) -> Iterator[type[WhatNextError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _title(kind: type[WhatNextError]) -> str:
    first_line = (kind.__doc__ or kind.code).splitlines()[0]
    return first_line.rstrip(".")
