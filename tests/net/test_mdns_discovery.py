"""The trio side of discovery, over a responder that is told what to see: order, errors, cancellation."""

import threading
import time
from collections.abc import Callable, Iterable

import pytest
import trio

from whatnext.errors import NetworkError
from whatnext.net.mdns import Found, Lost, Quiet, open_mdns
from whatnext.net.mdns import responder as responder_module
from whatnext.net.mdns.sightings import Sighting

A1, A2 = ("/ip4/10.0.0.1/tcp/1",), ("/ip4/10.0.0.1/tcp/2",)


class Told:
    """A responder without a network; `see` is called from another thread, as the real one does it."""

    made: "list[Told]"
    start_error: Exception | None = None

    def __init__(self, peer: str, addresses: Iterable[str], on_change: Callable[[], None]) -> None:
        self.sightings: dict[str, Sighting] = {}
        self.failure: Exception | None = None
        self.announced = [list(addresses)]
        self.refreshed = 0
        self.stopped = False
        self._on_change = on_change
        self.made.append(self)

    def start(self) -> None:
        if self.start_error is not None:
            raise self.start_error

    def stop(self) -> None:
        self.stopped = True

    def announce(self, addresses: Iterable[str]) -> None:
        self.announced.append(list(addresses))

    def refresh(self) -> None:
        self.refreshed += 1

    def see(self, **sightings: Sighting) -> None:
        self.sightings = sightings
        thread = threading.Thread(target=self._on_change)
        thread.start()
        thread.join()


@pytest.fixture
def told(monkeypatch) -> type[Told]:
    class Fresh(Told):
        made: "list[Told]" = []  # noqa: RUF012

    monkeypatch.setattr(responder_module, "Responder", Fresh)
    return Fresh


def nowhere() -> list[str]:
    return ["/ip4/10.0.0.9/tcp/1"]


async def test_events_come_in_the_trio_thread_and_only_the_newest_of_each_peer(told, eventually):
    events, threads = [], set()

    def send(event: object) -> None:
        events.append(event)
        threads.add(threading.current_thread())

    async with open_mdns("me", nowhere, send) as mdns:
        (responder,) = told.made
        responder.see(anna=Sighting(A1, True))
        await eventually(lambda: events == [Found("anna", A1, True)])
        responder.see(anna=Sighting(A1, True, quiet=True))
        responder.see()
        responder.see(anna=Sighting(A2, True), kubo=Sighting(A1, False))
        await eventually(lambda: len(events) == 3)
        assert events[1:] == [Found("anna", A2, True), Found("kubo", A1, False)]
        responder.see(kubo=Sighting(A1, False, quiet=True))
        await eventually(lambda: len(events) == 5)
        assert events[3:] == [Lost("anna"), Quiet("kubo")]
        assert mdns.sightings() == {"kubo": Sighting(A1, False, quiet=True)}
    assert threads == {threading.current_thread()}
    assert responder.stopped


async def test_addresses_that_change_are_announced_without_being_asked_for(told, autojump_clock):
    listening = ["/ip4/10.0.0.9/tcp/1"]
    async with open_mdns("me", lambda: list(listening), lambda _: None):
        (responder,) = told.made
        await trio.sleep(5)
        before = len(responder.announced)
        listening.append("/ip4/10.0.0.9/tcp/2")
        await trio.sleep(5)
        assert responder.announced[before:] == [listening]


async def test_a_refresh_reaches_the_responder(told):
    async with open_mdns("me", nowhere, lambda _: None) as mdns:
        mdns.refresh()
        assert told.made[0].refreshed == 1


async def test_an_error_of_the_caller_ends_the_block_as_itself(told):
    def refuse(event: object) -> None:
        raise KeyError(event)

    with pytest.raises(KeyError):  # noqa: PT012 - the error is raised while the block waits
        async with open_mdns("me", nowhere, refuse):
            told.made[0].see(anna=Sighting(A1, True))
            await trio.sleep_forever()
    assert told.made[0].stopped

    with pytest.raises(ValueError, match="mine"):
        async with open_mdns("me", nowhere, lambda _: None):
            raise ValueError("mine")
    assert told.made[1].stopped


async def test_a_responder_that_breaks_is_an_error_of_the_network_not_a_silence(told):
    with pytest.raises(NetworkError, match=r"mDNS does not work here .no buffer space"):  # noqa: PT012
        async with open_mdns("me", nowhere, lambda _: None):
            told.made[0].failure = OSError("no buffer space")
            told.made[0].see()
            await trio.sleep_forever()


async def test_a_responder_that_cannot_start_says_what_to_do_and_is_stopped(told):
    told.start_error = OSError(98, "Address already in use")
    with pytest.raises(NetworkError, match=r"Address already in use.*connecting by link or address works"):
        async with open_mdns("me", nowhere, lambda _: None):
            raise AssertionError("not reached")
    assert told.made[0].stopped


async def test_cancelling_stops_the_responder_and_swallows_nothing(told):
    with trio.CancelScope() as scope:
        async with open_mdns("me", nowhere, lambda _: None):
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert told.made[0].stopped


@pytest.mark.real
async def test_the_real_one_starts_and_stops_without_holding_up_the_loop():
    import zeroconf  # noqa: F401 - a first import is compared elsewhere

    longest, running = 0.0, True

    async def feel_the_pulse() -> None:
        nonlocal longest
        while running:
            before = time.perf_counter()
            await trio.lowlevel.checkpoint()
            longest = max(longest, time.perf_counter() - before)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feel_the_pulse)
        started = time.perf_counter()
        async with open_mdns("me", list, lambda _: None):
            pass
        took = time.perf_counter() - started
        running = False
    assert took < 2.5
    assert longest < 0.15
