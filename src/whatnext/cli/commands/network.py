"""The running node: its state, its peers, its connections. None of these works without one."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from whatnext.cli import counter_list, neighbour_list
from whatnext.cli.arguments import Given, PeerRef
from whatnext.cli.backend import NodeBackend, node_is_needed
from whatnext.cli.commands.peers import total
from whatnext.cli.context import Context
from whatnext.cli.events import KEEPALIVE
from whatnext.cli.tables import print_table
from whatnext.cli.words import short, short_peer
from whatnext.node import requests
from whatnext.node.counter_views import NodeCounters
from whatnext.node.views import (
    Connected,
    Disconnected,
    Discovered,
    NeighbourView,
    NodeStatus,
    PingReport,
)
from whatnext.playlists.requests import Nothing

_REACH = {
    "device": "(this device only)",
    "network": "(this network)",
    "internet": "(the internet)",
    "relay": "(through a relay)",
}
_MAY_CHANGE_THE_LIST = frozenset({"ready", "peer", "resync", KEEPALIVE})


def status(
    *,
    counters: Annotated[
        bool, Parameter(negative=(), help="Show what it did since it started, in numbers.")
    ] = False,
    context: Given,
) -> None:
    """Show the running node, and how far each playlist is with each peer."""
    if counters:
        counted = context.ask("node.counters", Nothing(), NodeCounters)
        if not context.show(counted):
            print_table(("WHAT", "WHICH", "COUNT"), counter_list.rows(counted), frozenset({"COUNT"}))
        return
    found = context.ask("node.status", Nothing(), NodeStatus)
    if context.show(found):
        return
    context.print(f"{found.name or 'unnamed'} · {found.peer}")
    context.print(f"up {found.uptime_ms // 1000} s · WhatNext {found.version} · {found.url}")
    for listener in found.listeners:
        context.print(f"  {listener.address}  {_REACH[listener.reach]}")
    rows = []
    for playlist in found.playlists:
        at = [short(playlist.id), playlist.name, playlist.state]
        rows += [
            (*at, p.name or short_peer(p.peer), p.state, total([p.pending_out]), total([p.pending_in]))
            for p in playlist.peers
        ] or [(*at, "", "nobody connected", "", "")]
    print_table(("ID", "PLAYLIST", "STATE", "WITH", "SYNC", "TO SEND", "TO GET"), rows)
    if not found.playlists:
        context.say("No playlists yet. Begin one: whatnext playlist create NAME; or: whatnext join LINK")


def discover(
    *,
    foreign: Annotated[
        bool, Parameter(negative=(), help="Also show libp2p nodes of other programs.")
    ] = False,
    watch: Annotated[
        bool, Parameter(negative=(), help="Go on showing who comes and goes, until Ctrl-C.")
    ] = False,
    context: Given,
) -> None:
    """List who is on the same network: found by themselves, no link needed."""
    asked = requests.Discover(foreign=foreign)
    if watch:
        _watch(context, asked)
        return
    found = context.ask("discover", asked, Discovered)
    if context.show(found):
        return
    rows = [neighbour_list.row(n, foreign=foreign) for n in found.neighbours]
    print_table(neighbour_list.columns(foreign=foreign), rows)
    if found.problem:
        context.say(f"Discovery does not work here: {found.problem}")
    elif not rows:
        context.say(
            "Nobody else is here. On another network: whatnext connect ADDRESS; or: whatnext join LINK"
        )
    elif not all(n.connected for n in found.neighbours):
        context.say("Connect to one: whatnext connect PEER")


def _watch(context: Context, asked: requests.Discover) -> None:
    backend = context.backend
    if not isinstance(backend, NodeBackend):
        raise node_is_needed()

    def lists() -> Iterator[list[NeighbourView]]:
        told = False
        for kind, _ in backend.events():
            if kind in _MAY_CHANGE_THE_LIST:
                found = backend.ask("discover", asked, Discovered)
                if found.problem and not told:
                    context.say(f"Discovery does not work here: {found.problem}")
                    told = True
                yield found.neighbours

    try:
        neighbour_list.show(lists(), context, foreign=asked.foreign)
    except KeyboardInterrupt:
        return
    context.say("The node has stopped.")


def connect(
    target: Annotated[
        str, Parameter(help="A multiaddr with /p2p/PEERID, a whtnxt://connect/ link, or a known peer.")
    ],
    *,
    context: Given,
) -> None:
    """Connect to a peer by its address or link."""
    made = context.ask("connect", requests.Connect(target=target), Connected)
    if not context.show(made):
        context.print(f"{made.peer} {made.address}")
        context.say(f"Connected ({made.path}). Look: whatnext peers")


def disconnect(peer: PeerRef, *, context: Given) -> None:
    """Close the connection to a peer until you connect again."""
    closed = context.ask("disconnect", requests.Disconnect(peer=peer), Disconnected)
    if not context.show(closed):
        context.say("Disconnected." if closed.connections else "It was not connected.")


def ping(
    peer: PeerRef,
    *,
    count: Annotated[int, Parameter(help="How often.")] = 4,
    context: Given,
) -> None:
    """Measure the way to a connected peer and back."""
    report = context.ask("peers.ping", requests.PingPeer(peer=peer, count=count), PingReport)
    if context.show(report):
        return
    for number, took in enumerate(report.round_trips_ms, 1):
        context.print(f"{number}: {took:.2f} ms")
    context.say(f"{len(report.round_trips_ms)} of {count} answered ({report.path}).")
