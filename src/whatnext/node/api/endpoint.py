"""One operation as the local API serves it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

BODY_LIMIT = 2 * 1024 * 1024
IMPORT_BODY_LIMIT = 64 * 1024 * 1024
"""Of `playlist.import` alone, whose file travels in base64."""


class Endpoint(msgspec.Struct, frozen=True):
    """One operation as the API serves it; `run` takes the decoded request."""

    name: str
    summary: str
    request: type[msgspec.Struct]
    response: Any
    run: Callable[[Any], Awaitable[object]]
    body_limit: int = BODY_LIMIT
