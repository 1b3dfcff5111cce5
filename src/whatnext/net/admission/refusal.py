"""A no, with the reason: a short name for counters and a sentence for people."""

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """`code` is one of those listed at `whatnext.net.observing.Refused`."""

    code: str
    reason: str
