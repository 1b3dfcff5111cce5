"""What watches a node while it runs: its metrics and its peers' timelines. Made before the network, fed by all."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import trio
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from whatnext.net.mdns import Event as MdnsEvent
from whatnext.net.metrics import NetMetrics, exposition
from whatnext.net.observing import Observer, to_all
from whatnext.node.chronicle import Chronicle
from whatnext.node.metrics import NodeState, SyncMetrics
from whatnext.node.timeline import Life, Step, Timelines
from whatnext.node.timeline_views import LifeView, StepEvent, life_view, step_event
from whatnext.rates import TokenBucket
from whatnext.sync.events import Event as SyncEvent

if TYPE_CHECKING:
    from whatnext.node.node import Node


STEPS_PER_S, STEPS_BURST = 50.0, 500.0
"""Steps told at `/events`: twenty friends who come at once make 200. What a crowd of strangers makes beyond that is
left to `peers.show`, or listeners would be told to read everything anew."""


class Instruments:
    """One for each node; `observe` goes to `open_network`, `on_mdns` to the neighbours."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._net = NetMetrics(self._registry)
        self._sync = SyncMetrics(self._registry)
        self._chronicle = Chronicle(trio.current_time, self._on_step)
        self._told = TokenBucket(STEPS_PER_S, STEPS_BURST, trio.current_time())
        self._tell: Callable[[Callable[[], StepEvent]], None] = lambda _: None
        self.observe: Observer = to_all(self._net, self._chronicle.observe)

    @property
    def timelines(self) -> Timelines:
        """Every peer's timeline."""
        return self._chronicle.timelines

    def attach(self, node: "Node", title: Callable[[bytes], str]) -> None:
        """The node is complete: watch its parts; `title` is what people call a playlist."""
        self._chronicle.title = title
        self._tell = node.feed.on_step
        self._net.watch(node.network)
        self._registry.register(NodeState(node))
        node.hub.listen(self._on_sync)

    def on_mdns(self, event: MdnsEvent) -> None:
        """A neighbour came, went quiet or left."""
        self._sync.on_mdns(event)
        self._chronicle.on_mdns(event)

    def _on_sync(self, event: SyncEvent) -> None:
        self._sync.on_sync(event)
        self._chronicle.on_sync(event)

    def _on_step(self, peer: str, life: Life, step: Step) -> None:
        if self._told.take(1, step.at):
            self._tell(lambda: step_event(peer, life, step, _wall_ms()))

    def lives(self, peer: str) -> list[LifeView]:
        """What is kept of a peer, the oldest life first."""
        wall_ms = _wall_ms()
        return [life_view(life, wall_ms) for life in self.timelines.lives(peer)]

    def metrics(self) -> Iterable[Metric]:
        """Every metric as it is now."""
        return self._registry.collect()

    def page(self) -> bytes:
        """Every metric in Prometheus' text format."""
        return exposition(self._registry)


def _wall_ms() -> float:
    """What the wall clock said when the monotonic one said 0: so a clock set meanwhile moves a whole timeline."""
    return time.time_ns() / 1e6 - 1000 * trio.current_time()
