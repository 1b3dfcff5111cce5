"""Every operation as the local API serves it: those of playlists, and those that only a running node has."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from whatnext.node import (
    attention,
    counting,
    deeds,
    link_reading,
    notification_views,
    notifications,
    operations,
    peer_operations,
    peer_report,
    playback,
    playback_views,
    presence,
    presence_views,
    qr,
    relays,
    requests,
    views,
)
from whatnext.node.api.endpoint import BODY_LIMIT, IMPORT_BODY_LIMIT, Endpoint
from whatnext.node.counter_views import NodeCounters
from whatnext.node.doctor.findings import NodeSeen
from whatnext.node.doctor.operation import doctor, report
from whatnext.node.doctor.verdict import Report
from whatnext.node.timeline_views import PeerReport
from whatnext.playlists.operations import OPERATIONS, Operation
from whatnext.playlists.requests import Nothing, OfPlaylist

if TYPE_CHECKING:
    from whatnext.node.node import Node


def endpoints_of(node: "Node") -> Mapping[str, Endpoint]:
    """By name; a playlist operation runs to its end without a pause, so none sees another half-done."""
    endpoints = [_of_playlists(node, operation) for operation in OPERATIONS.values()]
    endpoints += [
        Endpoint(name, summary, request, response, _bound(node, run))
        for name, summary, request, response, run in _OF_THE_NODE
    ]
    return {endpoint.name: endpoint for endpoint in endpoints}


_OF_THE_NODE: tuple[tuple[str, str, Any, Any, Callable[[Any, Any], Awaitable[object]]], ...] = (
    ("node.status", "Show the running node", Nothing, views.NodeStatus, operations.status),
    ("node.counters", "Count what the node did since it started", Nothing, NodeCounters, counting.counters),
    ("node.stop", "Stop the node cleanly", Nothing, views.Stopping, operations.stop),
    (
        "node.browse",
        "Make a link that signs a browser in once",
        Nothing,
        views.BrowserLink,
        operations.browse,
    ),
    (
        "links.read",
        "Tell what a link asks for, before anything is done",
        link_reading.ReadLink,
        link_reading.LinkView,
        link_reading.read,
    ),
    ("node.qr", "Draw a link as a QR code", qr.DrawLink, qr.QrCode, qr.draw),
    ("peers.list", "List the peers this device knows", Nothing, list[views.PeerView], operations.peers),
    ("discover", "List who is on the same network", requests.Discover, views.Discovered, operations.discover),
    (
        "peers.ping",
        "Measure the way to a peer and back",
        requests.PingPeer,
        views.PingReport,
        operations.ping,
    ),
    ("peers.show", "Tell all that is known of a peer", requests.OfPeer, PeerReport, peer_report.show),
    ("peers.block", "Refuse a peer", requests.OfPeer, views.Blocked, peer_operations.block),
    ("peers.unblock", "Let a blocked peer in again", requests.OfPeer, views.Blocked, peer_operations.unblock),
    (
        "peers.forget",
        "Drop the addresses and the name of a peer",
        requests.OfPeer,
        views.Forgotten,
        peer_operations.forget,
    ),
    ("relays.list", "List the relays this device uses", Nothing, list[views.RelayView], relays.listed),
    ("relays.add", "Use one more relay", requests.OfRelay, list[views.RelayView], relays.add),
    ("relays.remove", "Use a relay no longer", requests.OfRelay, list[views.RelayView], relays.remove),
    ("doctor", "Tell what the doctor needs of the node", Nothing, NodeSeen, doctor),
    ("doctor.report", "Look at this device, its network and its profile", Nothing, Report, report),
    ("connect", "Connect to a peer", requests.Connect, views.Connected, operations.connect),
    ("playback.show", "Show the music folder", Nothing, playback_views.MusicView, playback.show),
    (
        "playback.folder",
        "Play files of a folder on this device",
        playback_views.SetFolder,
        playback_views.MusicView,
        playback.choose,
    ),
    (
        "playback.matches",
        "List the entries that a file on this device holds",
        OfPlaylist,
        playback_views.Matches,
        playback.matches,
    ),
    (
        "presence.list",
        "List what members listen to right now",
        Nothing,
        list[presence_views.PresenceView],
        presence.listed,
    ),
    (
        "presence.set",
        "Tell members what is played here right now",
        presence_views.SetPresence,
        list[presence_views.PresenceView],
        presence.tell,
    ),
    (
        "presence.show",
        "Show whether members are told what is played here",
        Nothing,
        presence_views.Telling,
        presence.show,
    ),
    (
        "presence.share",
        "Tell members what is played here, or nothing",
        presence_views.Share,
        presence_views.Telling,
        presence.share,
    ),
    (
        "glance",
        "Tell what members did lately, for notifications",
        notification_views.Glance,
        notification_views.GlanceView,
        deeds.glance,
    ),
    (
        "attention.set",
        "Tell whether the user looks at a page",
        attention.SetAttention,
        Nothing,
        attention.tell,
    ),
    (
        "notifications.show",
        "Tell whether the desktop shows notifications",
        Nothing,
        notification_views.NotificationsView,
        notifications.show,
    ),
    (
        "notifications.set",
        "Let the desktop show notifications, or not",
        notification_views.SetNotifications,
        notification_views.NotificationsView,
        notifications.choose,
    ),
    (
        "disconnect",
        "Close the connection to a peer",
        requests.Disconnect,
        views.Disconnected,
        operations.disconnect,
    ),
)


def _of_playlists(node: "Node", operation: Operation) -> Endpoint:
    playlists = node.playlists

    async def run(request: object) -> object:
        return operation.run(playlists, request)

    limit = IMPORT_BODY_LIMIT if operation.name == "playlist.import" else BODY_LIMIT
    return Endpoint(operation.name, operation.summary, operation.request, operation.response, run, limit)


def _bound(
    node: "Node", function: Callable[[Any, Any], Awaitable[object]]
) -> Callable[[Any], Awaitable[object]]:
    async def run(request: object) -> object:
        return await function(node, request)

    return run
