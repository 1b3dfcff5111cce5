"""The relay server: running it, looking at it, checking one from outside."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from whatnext.cli.arguments import Given

Level = Literal["debug", "info", "warning", "error"]


def run(
    *,
    listen: Annotated[
        list[str] | None,
        Parameter(help="A multiaddr to listen on; repeat it for several. Else TCP 4001 and WebSocket 4002."),
    ] = None,
    announce: Annotated[
        list[str] | None,
        Parameter(
            help="A multiaddr to tell others instead, as /dns4/relay.example.net/tcp/4001; repeat it for several."
        ),
    ] = None,
    config: Annotated[
        Path | None, Parameter(help="A TOML file with access and limits; docs/relay.md describes it.")
    ] = None,
    log_level: Annotated[Level, Parameter(help="The least that is logged.")] = "info",
    log_format: Annotated[
        Literal["human", "json"], Parameter(help="How the log on stderr is written.")
    ] = "human",
    context: Given,
) -> None:
    """Run a relay server until Ctrl-C or SIGTERM: it carries connections of devices that cannot meet directly."""
    import trio

    from whatnext.node.logs import set_up_logs
    from whatnext.relay.config import RelayConfig, check, read_config
    from whatnext.relay.profile import relay_directory

    set_up_logs(log_level, log_format, sys.stderr)
    settings = read_config(config) if config else RelayConfig()
    settings = msgspec.structs.replace(
        settings,
        listen=tuple(listen) if listen else settings.listen,
        announce=tuple(announce) if announce else settings.announce,
    )
    check(settings, "the command line")
    directory = relay_directory(context.profile)

    async def main() -> None:
        from whatnext.relay.server import run_relay

        await run_relay(directory, settings)

    trio.run(main)
