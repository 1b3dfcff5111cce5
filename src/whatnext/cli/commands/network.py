"""The running node: its state, its peers, its connections. None of these works without one."""

from typing import Annotated

from cyclopts import Parameter

from whatnext.cli.arguments import Given, PeerRef
from whatnext.cli.commands.peers import mark, total
from whatnext.cli.tables import print_table
from whatnext.cli.words import short, short_peer
from whatnext.node import requests
from whatnext.node.views import Connected, Disconnected, Discovered, NodeStatus, PingReport
from whatnext.playlists.requests import Nothing


def status(*, context: Given) -> None:
    """Show the running node, and how far each playlist is with each peer."""
    found = context.ask("node.status", Nothing(), NodeStatus)
    if context.show(found):
        return
    context.print(f"{found.name or 'unnamed'} · {found.peer}")
    context.print(f"up {found.uptime_ms // 1000} s · WhatNext {found.version} · {found.url}")
    for address in found.addresses:
        context.print(f"  {address}")
    rows = []
    for playlist in found.playlists:
        at = [short(playlist.id), playlist.name, playlist.state]
        rows += [
            (*at, short_peer(p.peer), p.state, total([p.pending_out]), total([p.pending_in]))
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
    context: Given,
) -> None:
    """List who is on the same network: found by themselves, no link needed."""
    found = context.ask("discover", requests.Discover(foreign=foreign), Discovered)
    if context.show(found):
        return
    rows = [
        (
            n.name or "",
            n.peer,
            n.state,
            mark(n.connected),
            *([mark(n.whatnext)] if foreign else []),
            *n.addresses[:1],
        )
        for n in found.neighbours
    ]
    columns = ["NAME", "PEER", "STATE", "CONNECTED", *(["WHATNEXT"] if foreign else []), "ADDRESS"]
    print_table(columns, rows)
    if found.problem:
        context.say(f"Discovery does not work here: {found.problem}")
    elif not rows:
        context.say(
            "Nobody else is here. On another network: whatnext connect ADDRESS; or: whatnext join LINK"
        )
    elif not all(n.connected for n in found.neighbours):
        context.say("Connect to one: whatnext connect PEER")


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
