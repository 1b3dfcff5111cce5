"""What one node knows from the mDNS records it has heard: sans-IO, records and clock in, questions and sightings out.

Why not zeroconf's own expiry: it keeps every pointer for at least 1,125 s, ten times as long as a killed peer may stay
in a list. Here an instance lives by its TXT record: after 60 s without news it is asked four times, and forgotten
when its time (at most 120 s) is over. A goodbye ends it at once.
"""

from collections.abc import Iterable
from random import Random

import msgspec

from whatnext.net.mdns.sightings import Sighting
from whatnext.net.mdns.txt import Advert, read

MAX_TTL_S = 120.0
"""Longest belief in one announcement, whatever it says: the TTL that RFC 6762 §10 gives to what may move."""
MAX_INSTANCES = 1024
"""Instances remembered; more are ignored until some expire. A flood costs some 2 MB, and new peers their place."""
MAX_PER_PEER = 8
"""Instances that may speak of one peer (it restarts under a new name each time); the longest unheard makes room."""

_ASK_AT = (0.5, 0.6, 0.75, 0.9)  # of the TTL; RFC 6762 §5.2 begins at 0.8, too late for a list people look at
_UNKNOWN_ASK_S, _UNKNOWN_S = (0.0, 0.25, 1.0, 2.5), 5.0  # a pointer came without its TXT record
_DOUBT_ASK_S, _DOUBT_S = (1.0, 2.0, 3.5), 6.0  # the network changed; everybody is asked at once besides
_SPREAD = 0.05  # of the TTL: observers of one peer should not all ask at one moment


class _Instance(msgspec.Struct):
    """One announced name. `asks` are the times to ask at, `missed` how many were asked since it was last heard."""

    born: float
    asks: list[float]
    expires: float
    missed: int = 0
    advert: Advert | None = None


class View:
    """Instances heard of. Every time is in seconds on one monotonic clock; names are lower case."""

    def __init__(self, own_peer: str, random: Random) -> None:
        self._own_peer = own_peer
        self._random = random
        self._instances: dict[str, _Instance] = {}

    def pointer(self, name: str, now: float) -> None:
        """A pointer named this instance; its TXT record is asked for unless it is known."""
        if name not in self._instances and len(self._instances) < MAX_INSTANCES:
            self._instances[name] = _Instance(now, [now + s for s in _UNKNOWN_ASK_S], now + _UNKNOWN_S)

    def texts(self, name: str, texts: Iterable[bytes], ttl: float, now: float) -> None:
        """All TXT data of this instance in one packet; it replaces what was known. `ttl` 0 is a goodbye."""
        if ttl <= 0:
            return self.goodbye(name)
        advert = read(texts)
        if advert is None or advert.peer == self._own_peer:
            return self.goodbye(name)
        known = self._instances.get(name)
        if known is None and len(self._instances) >= MAX_INSTANCES:
            return None
        if known is None or known.advert is None:
            self._make_room(advert.peer)
        lifetime = min(ttl, MAX_TTL_S)
        late = self._random.uniform(0, _SPREAD)
        self._instances[name] = _Instance(
            known.born if known else now,
            [now + lifetime * (share + late) for share in _ASK_AT],
            now + lifetime,
            advert=advert,
        )
        return None

    def goodbye(self, name: str) -> None:
        """Forget an instance: it says that it leaves, or it says nothing about a peer."""
        self._instances.pop(name, None)

    def doubt(self, now: float) -> None:
        """The network under us changed: whoever is not heard again within 6 s is gone."""
        for instance in self._instances.values():
            instance.asks = [now + s for s in _DOUBT_ASK_S]
            instance.expires = min(instance.expires, now + _DOUBT_S)

    def tick(self, now: float) -> list[str]:
        """Forget what has expired; names whose TXT record is to be asked for at this moment."""
        for name in [name for name, instance in self._instances.items() if instance.expires <= now]:
            del self._instances[name]
        asked = []
        for name, instance in self._instances.items():
            due = sum(at <= now for at in instance.asks)
            if due:
                del instance.asks[:due]
                instance.missed += 1
                asked.append(name)
        return asked

    def next_tick(self) -> float | None:
        """When `tick` will have something to do, or None while nothing is known."""
        return min((min([i.expires, *i.asks[:1]]) for i in self._instances.values()), default=None)

    def believes(self, name: str) -> bool:
        """Whether this instance needs no answer to a question for everybody."""
        instance = self._instances.get(name)
        return instance is not None and instance.advert is not None and instance.missed == 0

    def sightings(self) -> dict[str, Sighting]:
        """Peers now, each with the addresses of all its instances, newest instance first."""
        by_peer: dict[str, list[_Instance]] = {}
        for instance in sorted(self._instances.values(), key=lambda i: -i.born):
            if instance.advert is not None:
                by_peer.setdefault(instance.advert.peer, []).append(instance)
        return {peer: _together(instances) for peer, instances in by_peer.items()}

    def _make_room(self, peer: str) -> None:
        same = [n for n, i in self._instances.items() if i.advert is not None and i.advert.peer == peer]
        if len(same) >= MAX_PER_PEER:
            del self._instances[min(same, key=lambda name: self._instances[name].expires)]


def _together(instances: list[_Instance]) -> Sighting:
    adverts = [instance.advert for instance in instances if instance.advert is not None]
    addresses = dict.fromkeys(address for advert in adverts for address in advert.addresses)
    # The question of the first miss is on its way; the second one means that it stayed without answer.
    quiet = all(instance.missed > 1 for instance in instances)
    return Sighting(tuple(addresses), any(advert.whatnext for advert in adverts), quiet)
