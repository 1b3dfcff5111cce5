"""What a second start says to the first, and what it hears: one line of JSON each way. No sockets here."""

import hmac

import msgspec

from whatnext.errors import UNREADABLE, ProtocolViolation

MAX_LINK = 8_000
"""Characters of a link that are carried; one of ours has at most 4,096, and the page refuses a longer one."""
MAX_LINE = 64 * 1024
"""Bytes of a request or an answer: a link's characters take up to six each."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` proves that the sender may read the profile; `link` is what was clicked, as it came."""

    secret: str
    link: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Where the page is shown now (`window`, `browser`, `terminal`); for a terminal, the link to print there.

    With a `problem` nothing was shown.
    """

    where: str = ""
    url: str | None = None
    problem: str | None = None


def carried(link: str) -> str:
    """What is carried of a clicked link: its beginning, as text that every encoding knows."""
    return link[:MAX_LINK].encode("utf-8", "replace").decode()


def encode(message: Request | Answer) -> bytes:
    """The line, with its end."""
    return msgspec.json.encode(message) + b"\n"


def read_request(line: bytes, secret: str) -> Request:
    """Read a request; raises `ProtocolViolation` when it is none, or does not know the secret."""
    try:
        request = msgspec.json.decode(line, type=Request)
    except UNREADABLE as error:
        raise ProtocolViolation(f"no request of ours: {error}") from error
    if not hmac.compare_digest(request.secret.encode(), secret.encode()):
        raise ProtocolViolation("a request without this profile's secret")
    return request


def read_answer(line: bytes) -> Answer:
    """Read an answer; raises `ProtocolViolation` when it is none."""
    try:
        return msgspec.json.decode(line, type=Answer)
    except UNREADABLE as error:
        raise ProtocolViolation(f"no answer of ours: {error}") from error
