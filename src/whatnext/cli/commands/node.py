"""Running the node, and stopping it."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.arguments import Given, LogFormat, LogLevel
from whatnext.playlists.requests import Nothing

Listen = Annotated[
    list[str] | None,
    Parameter(help="A multiaddr to listen on; repeat it for several. Else the profile's."),
]
Transport = Annotated[
    list[Literal["quic", "webrtc"]] | None,
    Parameter(help="A transport to run beside TCP and WebSocket: quic or webrtc. Repeat it for both."),
]
Announce = Annotated[
    list[str] | None,
    Parameter(help="A multiaddr to tell others instead, where a port is forwarded; repeat it for several."),
]
Mdns = Annotated[bool, Parameter(negative="--no-mdns", help="Find peers on the same network, and be found.")]
Relay = Annotated[
    list[str] | None,
    Parameter(
        help="A relay to use beside the profile's: its multiaddr with /p2p/PEERID. Repeat it for several."
    ),
]
Serve = Annotated[
    list[Literal["rendezvous", "dht"]] | None,
    Parameter(help="Help others find each other, as a relay does: rendezvous or dht. Repeat it for both."),
]
Upnp = Annotated[bool, Parameter(negative="--no-upnp", help="Ask the router to forward this node's ports.")]
ApiPort = Annotated[int, Parameter(help="Port of the local API on 127.0.0.1; 0 takes any free one.")]
Lifeline = Annotated[bool, Parameter(negative=(), help="Stop when standard input ends.")]
ReadyLine = Annotated[
    bool, Parameter(negative=(), help="Say when and where it is ready, as a line of JSON on stdout.")
]


def run(
    *,
    listen: Listen = None,
    transport: Transport = None,
    announce: Announce = None,
    mdns: Mdns = True,
    relay: Relay = None,
    serve: Serve = None,
    upnp: Upnp = True,
    api_port: ApiPort = 0,
    lifeline: Lifeline = False,
    ready_line: ReadyLine = False,
    log_level: LogLevel = "warning",
    log_format: LogFormat = "human",
    context: Given,
) -> None:
    """Run the node until Ctrl-C, SIGTERM or `whatnext node stop`."""
    import trio

    from whatnext.config import profile_directory
    from whatnext.node.config import NodeConfig
    from whatnext.node.logs import set_up_logs
    from whatnext.node.relay_addresses import checked_relay

    logs = set_up_logs(log_level, log_format, sys.stderr)
    config = NodeConfig(
        listen=tuple(listen or ()),
        transports=frozenset(transport or ()),
        announce=tuple(announce or ()),
        mdns=mdns,
        upnp=upnp,
        relays=tuple(checked_relay(each) for each in relay or ()),
        serve=frozenset(serve or ()),
        api_port=api_port,
        lifeline=lifeline,
        ready_line=ready_line or context.as_json,
    )
    directory = profile_directory(context.profile)

    async def main() -> None:
        from whatnext.node.node import run_node

        await run_node(directory, config, logs)

    trio.run(main)


def stop(*, context: Given) -> None:
    """Stop the running node cleanly."""
    from whatnext.node.views import Stopping

    stopping = context.ask("node.stop", Nothing(), Stopping)
    if not context.show(stopping):
        context.say("The node is stopping.")
