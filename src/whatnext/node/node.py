"""The composition root: identity, library, playlists, sync, network and local API of one profile, in one process.

Started in that order and stopped in the other one. A task that fails takes the node down with its error: a node is
whole or gone, never half-dead; whoever supervises it starts it again.
"""

import gc
import logging
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import msgspec
import trio

from whatnext import __version__
from whatnext.clock import HybridClock
from whatnext.config import Settings
from whatnext.errors import StoreUnwritable
from whatnext.identity import load_or_create
from whatnext.net import NetConfig, Network, open_network
from whatnext.net.dialback import DialbackServer
from whatnext.node import ports, state_file
from whatnext.node.api import sessions
from whatnext.node.api.access import Access
from whatnext.node.api.app import App
from whatnext.node.api.feed import Feed, MusicEvent, PeerEvent
from whatnext.node.api.last_port import bind_again
from whatnext.node.api.server import serving
from whatnext.node.attention import Attention
from whatnext.node.caretaker import Caretaker
from whatnext.node.circles import Circles
from whatnext.node.claiming import claimed
from whatnext.node.config import NodeConfig, Service
from whatnext.node.contacts import Contacts
from whatnext.node.endpoints import endpoints_of
from whatnext.node.finding import Finding
from whatnext.node.homecoming import tell_acquaintances
from whatnext.node.instruments import Instruments
from whatnext.node.links import SyncLinks
from whatnext.node.logs import Logs
from whatnext.node.moves import Moves
from whatnext.node.neighbours import Neighbours
from whatnext.node.news import News
from whatnext.node.peer_documents import peer_documents
from whatnext.node.playback import locate
from whatnext.node.presence import Presences
from whatnext.node.recent import Recent
from whatnext.node.relay_addresses import Relays
from whatnext.node.relays import links_relays, use_relays
from whatnext.node.rxdb import RxdbClients
from whatnext.node.state_file import NodeFile
from whatnext.node.transports import with_extra
from whatnext.node.wanted import Standings, standings_of
from whatnext.node.webrtc_certificate import kept_certificate
from whatnext.playback.music import Music
from whatnext.playlists.service import Playlists
from whatnext.playlists.viewing import title_of
from whatnext.rxdb.versions import PROTOCOLS as RXDB_PROTOCOLS
from whatnext.store import Library
from whatnext.store.database import FILE as DATABASE_FILE
from whatnext.store.peers import AddressBook
from whatnext.sync import PROTOCOLS, Hub
from whatnext.sync.events import Event as SyncEvent
from whatnext.sync.events import PeerHandshaken

_log = logging.getLogger(__name__)

AGENT = f"whatnext/{__version__}"


class Node:
    """The running parts, for the operations; made by `open_node`."""

    def __init__(
        self,
        library: Library,
        settings: Settings,
        network: Network,
        hub: Hub,
        sync_links: SyncLinks,
        standings: Standings,
        instruments: Instruments,
        relays: Relays | None = None,
        serve: frozenset[Service] = frozenset(),
    ) -> None:
        self.library = library
        self.settings = settings
        self.network = network
        self.hub = hub
        self.sync_links = sync_links
        self.book = AddressBook(library.database)
        self.feed = Feed(library)
        rng = random.SystemRandom()
        self.playlists = Playlists(
            library,
            rng=rng,
            settings=settings,
            addresses=network.addresses,
            relays=partial(links_relays, self),
        )
        self.presences = Presences(hub, self.feed, settings)
        self.recent = Recent(hub.traffic)
        self.attention = Attention(trio.current_time)
        self.music = Music(
            None if settings.music is None else Path(settings.music),
            lambda: self.feed.on_music(MusicEvent(files=len(self.music.index.files))),
        )
        self.instruments = instruments
        self.neighbours = Neighbours(self.feed, instruments.on_mdns)
        self.standings = standings
        self.relays = relays or Relays(settings)
        self.circles = Circles(library, trio.current_time)
        self.finding = Finding(network, self.book, self.relays, self.neighbours.ask, serve, rng, self.circles)
        self.contacts = Contacts(
            library,
            self.book,
            rng,
            sync_links.paused,
            self.neighbours.addresses,
            blocked=standings.blocked,
            resolver=self.finding.resolver,
            on_problem=lambda peer, why: self.feed.on_peer(PeerEvent(peer=peer, state="problem", reason=why)),
        )
        self.stopping = trio.Event()
        self.started_ms = library.clock.now_ms()
        self.began = trio.current_time()
        self.url = ""
        self.access: Access


@asynccontextmanager
async def open_node(directory: Path, config: NodeConfig, logs: Logs | None = None) -> AsyncIterator[Node]:
    """Run a node on a profile while the block lasts; `logs` are then kept in the profile too.

    Raises `ProfileBusy`, what identity and database say, `LocalError` when a port is taken; later whatever stopped
    a background task. On leaving, everything acknowledged is on the disk and `node.json` is gone.
    """
    with await claimed(directory), logs.kept(directory) if logs is not None else nullcontext():
        state_file.remove(directory)  # a node that was killed left it
        settings = Settings(directory)
        identity = load_or_create(directory)
        library = Library(identity, HybridClock(_wall_ms), directory / DATABASE_FILE)
        try:
            async with _running(directory, config, library, settings) as node:
                if logs is not None:
                    _name_peers(node, logs)
                yield node
        finally:
            library.close()
            state_file.remove(directory)


async def run_node(directory: Path, config: NodeConfig, logs: Logs | None = None) -> None:
    """Run a node until SIGTERM, SIGINT, `node.stop`, or the end of standard input (`lifeline`); raises as `open_node`.

    Cancelling stops it as cleanly as a signal does.
    """
    async with open_node(directory, config, logs) as node, trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            nursery.start_soon(_stop_on_signal, node, signals)
            if config.lifeline:
                nursery.start_soon(_stop_on_lifeline, node)
            gc.collect()
            gc.freeze()  # what libp2p's import made stays: no collection need walk it again
            _announce(node, config)
            await node.stopping.wait()
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def _running(
    directory: Path, config: NodeConfig, library: Library, settings: Settings
) -> AsyncIterator[Node]:
    hub = Hub(library, name=lambda: settings.name, agent=AGENT)
    sync_links = SyncLinks(library.identity.peer_id, hub, random.SystemRandom())
    handlers = dict.fromkeys(PROTOCOLS, sync_links.serve)
    relays = Relays(settings, config.relays, library.identity.peer_id)
    standings = standings_of(library, relays.peers)
    instruments = Instruments()
    with bind_again(config.api_port, directory) as listener:
        async with open_network(
            library.identity,
            _net_config(directory, config, settings),
            handlers,
            standing=standings.judge,
            observe=instruments.observe,
        ) as network:
            node = Node(
                library, settings, network, hub, sync_links, standings, instruments, relays, config.serve
            )
            node.neighbours.is_on = config.mdns
            instruments.attach(node, partial(title_of, node.playlists))
            port = listener.getsockname()[1]
            node.url = f"http://127.0.0.1:{port}"
            session_key = sessions.key_from(library.identity.sign)
            node.access = Access(port, trio.current_time, session_key=session_key)
            rxdb = RxdbClients(
                node.playlists, hub.discipline, partial(peer_documents, node), sync_links.excuse
            )
            for protocol in RXDB_PROTOCOLS:
                network.handle(protocol, rxdb.stream)
            app = _local_api(node, rxdb)
            async with trio.open_nursery() as nursery:
                _start(nursery, node)
                nursery.start_soon(rxdb.run)
                if config.mdns:
                    nursery.start_soon(node.neighbours.run, network, node.contacts.found)
                try:
                    async with serving(app, listener, node.feed.close):
                        _tell_where(nursery, directory, node, own_ports=not config.announce)
                        yield node
                finally:
                    with trio.CancelScope(shield=True):
                        await hub.close()
                    nursery.cancel_scope.cancel()


def _net_config(directory: Path, config: NodeConfig, settings: Settings) -> NetConfig:
    chosen = config.listen or settings.listen or NetConfig().listen
    listen = ports.settled(with_extra(chosen, config.transports), directory)
    return NetConfig(
        listen=listen,
        announce=config.announce,
        upnp=config.upnp,
        webrtc_certificate=kept_certificate(directory, listen),
    )


def _local_api(node: Node, rxdb: RxdbClients) -> App:
    return App(
        endpoints_of(node),
        node.access,
        node.feed,
        {"/rxdb": rxdb.websocket},
        node.instruments.page,
        locate=partial(locate, node),
    )


def _start(nursery: trio.Nursery, node: Node) -> None:
    use_relays(node)
    DialbackServer(node.network)
    library = node.library
    caretaker = Caretaker(node.playlists)
    library.subscribe(node.feed.on_change)
    library.subscribe(caretaker.on_change)
    library.subscribe(node.contacts.on_change)
    library.subscribe(node.standings.on_change)
    library.subscribe(node.circles.on_change)
    nursery.start_soon(caretaker.run)
    nursery.start_soon(node.presences.run)
    nursery.start_soon(node.recent.run)
    nursery.start_soon(node.music.run)
    nursery.start_soon(News(node.feed, node.book, library).run, node.network, node.hub)
    nursery.start_soon(node.sync_links.run, node.network)
    nursery.start_soon(node.contacts.run, node.network)
    nursery.start_soon(node.contacts.follow, node.hub)
    nursery.start_soon(node.finding.run)
    nursery.start_soon(Moves(node.contacts, node.neighbours).run, node.network)


def _name_peers(node: Node, logs: Logs) -> None:
    for known in node.book.all():
        if known.name:
            logs.know(known.peer, known.name)

    def greeted(event: SyncEvent) -> None:
        if isinstance(event, PeerHandshaken) and event.name:
            logs.know(event.peer, event.name)

    node.hub.listen(greeted)


def _tell_where(nursery: trio.Nursery, directory: Path, node: Node, *, own_ports: bool) -> None:
    """Programs of this device, by a file; friends too, when the ports of last time were not to be had."""
    moved = ports.kept(directory) not in (None, ports.in_use(node.network.addresses()))
    _leave_word(directory, node, own_ports=own_ports)
    if moved and own_ports:
        wanted = set(node.contacts.wanted())
        nursery.start_soon(tell_acquaintances, node.network, node.book, node.started_ms, wanted)


def _leave_word(directory: Path, node: Node, *, own_ports: bool) -> None:
    try:
        if own_ports:  # announced ones are another machine's
            ports.keep(directory, node.network.addresses())
    except StoreUnwritable as error:
        _log.warning("the ports are not kept for the next start: %s", error)
    state_file.write(
        directory,
        NodeFile(
            url=node.url,
            token=node.access.token,
            pid=os.getpid(),
            peer=node.network.peer,
            started=node.started_ms,
        ),
    )


def _announce(node: Node, config: NodeConfig) -> None:
    addresses = node.network.addresses()
    _log.info("ready: WhatNext %s, process %d", __version__, os.getpid())
    if config.ready_line:
        ready = {
            "url": node.url,
            "peer": node.network.peer,
            "addresses": addresses,
            "token": node.access.token,
        }
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
    else:
        shown = "".join(f"\n  {address}" for address in addresses)
        sys.stderr.write(f"{node.settings.name or 'unnamed'} is ready: {node.network.peer}{shown}\n")
        sys.stderr.write("Stop it with Ctrl-C or `whatnext node stop`. Look: whatnext status\n")


async def _stop_on_signal(node: Node, signals: AsyncIterator[int]) -> None:
    async for number in signals:
        _log.info("stopping: %s", signal.Signals(number).name)
        node.stopping.set()


async def _stop_on_lifeline(node: Node) -> None:
    # libp2p brings trio-stubs, which describe an older trio
    await trio.to_thread.run_sync(_read_to_end, abandon_on_cancel=True)  # type: ignore[call-arg]
    _log.info("stopping: standard input ended, whoever started this node is gone")
    node.stopping.set()


def _read_to_end() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
