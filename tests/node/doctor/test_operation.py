"""What the node tells the doctor: who is near, whose clock is off, and why others are away."""

from types import SimpleNamespace

import msgspec
import trio

from whatnext.net.circuits.keeper import RelayState
from whatnext.net.identify.sightings import Sighting
from whatnext.net.mdns import State
from whatnext.node import operations
from whatnext.node.doctor.findings import PortSeen, RelaySeen
from whatnext.node.doctor.operation import doctor
from whatnext.node.views import PeerView
from whatnext.playlists.requests import Nothing


def view(peer: str, *, connected: bool, problem: str | None = None) -> PeerView:
    return PeerView(
        peer=peer,
        name=peer.upper(),
        connected=connected,
        handshaken=connected,
        in_sync=False,
        path=None,
        latency_ms=None,
        address=None,
        last_seen=None,
        problem=problem,
        playlists=[],
    )


async def test_skews_neighbours_and_problems_are_told_peer_by_peer(monkeypatch):
    async def peers(node, _):
        return [
            view("ben", connected=True),
            view("cleo", connected=False),
            view("dora", connected=True, problem="too old"),
            msgspec.structs.replace(view("ewan", connected=True), relay=True, handshaken=False),
        ]

    monkeypatch.setattr(operations, "peers", peers)
    node = SimpleNamespace(
        neighbours=SimpleNamespace(
            listing=lambda: [SimpleNamespace(peer="ben", state=State.HERE)],
            is_on=True,
            problem=None,
            settled=trio.lowlevel.checkpoint,
        ),
        hub=SimpleNamespace(status=lambda: [SimpleNamespace(peer="ben", skew_ms=70_000)]),
        # What once kept us from ben is of no interest while he is connected.
        contacts=SimpleNamespace(problems={"ben": "refused", "cleo": "nobody answered"}),
        network=SimpleNamespace(
            peer="anna",
            addresses=lambda: ["/ip4/10.0.0.1/tcp/1"],
            connections=list,
            sightings=SimpleNamespace(
                all=lambda: [
                    Sighting("ben", "/ip4/5.5.5.7/tcp/5000", 4001, outbound=True),
                    Sighting("cleo", "/ip4/5.5.5.7/tcp/5001", 4001, outbound=False),
                    Sighting("dora", "/ip4/192.168.1.7/tcp/4001", 4001, outbound=True),
                    Sighting("emil", "/ip4/5.5.5.7/udp/4001/quic-v1", None, outbound=True),
                ]
            ),
            relays=SimpleNamespace(
                states=lambda: [
                    RelayState(relay="r", addresses=(), connected=True, place=None, problem="full")
                ]
            ),
        ),
    )
    told = await doctor(node, Nothing())
    assert (told.peer, told.addresses, told.discovery) == ("anna", ["/ip4/10.0.0.1/tcp/1"], True)
    assert [(p.peer, p.nearby, p.skew_ms, p.problem) for p in told.peers] == [
        ("ben", "here", 70_000, None),
        ("cleo", None, None, "nobody answered"),
        ("dora", None, None, "too old"),
    ]
    assert told.words == []
    assert told.seen_ports == [PortSeen(by="ben", local=4001, seen=5000)]
    assert told.relays == [RelaySeen(relay="r", connected=True, reserved=False, problem="full")]
