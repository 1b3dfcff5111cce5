"""Where others see this node: the public side of its NAT, as far as anybody says so."""

from collections.abc import Container

import msgspec

from whatnext.net.addresses import Kind, ip_of, kind_of

MAX_WITNESSES = 64
"""Peers whose word is kept, the newest: a crowd of strangers cannot fill the memory."""


class Sighting(msgspec.Struct, frozen=True):
    """One peer's word. `local_port` is ours on that connection, None where it has none; `outbound` if we dialled."""

    by: str
    address: str
    local_port: int | None
    outbound: bool


class Sightings:
    """The last word of each of the last `MAX_WITNESSES`. It is only their word: use it as a hint."""

    def __init__(self) -> None:
        self._words: dict[str, Sighting] = {}

    def note(self, sighting: Sighting) -> bool:
        """Keep a word; return whether it says anything new."""
        before = self._words.pop(sighting.by, None)
        self._words[sighting.by] = sighting
        while len(self._words) > MAX_WITNESSES:
            del self._words[next(iter(self._words))]
        return before != sighting

    def all(self) -> list[Sighting]:
        """Every word, the newest first."""
        return list(reversed(self._words.values()))

    def keep_only(self, peers: Container[str]) -> None:
        """Drop the words of all others: who is no longer connected may have seen us on another network."""
        self._words = {by: word for by, word in self._words.items() if by in peers}

    def punchable(self, listening: int) -> list[str]:
        """TCP addresses at which a NAT may let others in, best first, when we dial from port `listening`.

        Where a connection from that very port was seen comes first; then, by public address, the port itself: most
        home routers keep it. One word is enough to try, and a false one costs an attempt.
        """
        exact, guessed = [], []
        for word in self.all():
            ip = ip_of(word.address)
            if ip is None or not word.outbound or kind_of(word.address) is not Kind.PUBLIC:
                continue
            family = f"ip{ip.version}"
            if word.local_port == listening and word.address.split("/")[3:4] == ["tcp"]:
                exact.append(f"/{family}/{ip}/tcp/{word.address.split('/')[4]}")
            guessed.append(f"/{family}/{ip}/tcp/{listening}")
        return list(dict.fromkeys([*exact, *guessed]))

    def keeps_ports(self, listening: int) -> bool | None:
        """Whether the NAT shows our listening port as it is; None when nobody saw a connection from it."""
        seen = [word for word in self.all() if word.outbound and word.local_port == listening]
        if not seen:
            return None
        return all(word.address.split("/")[3:5] == ["tcp", str(listening)] for word in seen)
