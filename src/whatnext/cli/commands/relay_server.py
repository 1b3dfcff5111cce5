"""The relay server: running it, looking at it, keeping its key, checking one from outside."""

import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from whatnext.cli.arguments import Given, LogFormat, LogLevel

WATCH_S = 2.0


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
    ops_port: Annotated[
        int | None,
        Parameter(
            help="Port of /healthz, /metrics and /status on 127.0.0.1, else 9478; 0 takes any free one."
        ),
    ] = None,
    log_level: LogLevel = "info",
    log_format: LogFormat = "human",
    context: Given,
) -> None:
    """Run a relay server until Ctrl-C or SIGTERM: it carries connections of devices that cannot meet directly."""
    import trio

    from whatnext.node.logs import set_up_logs
    from whatnext.relay import config as configuration
    from whatnext.relay.profile import relay_directory

    set_up_logs(log_level, log_format, sys.stderr)
    settings = configuration.read_config(config) if config else configuration.RelayConfig()
    settings = msgspec.structs.replace(
        settings,
        listen=tuple(listen) if listen else settings.listen,
        announce=tuple(announce) if announce else settings.announce,
        ops_port=settings.ops_port if ops_port is None else ops_port,
    )
    configuration.check(settings, "the command line")
    directory = relay_directory(context.profile)

    async def main() -> None:
        from whatnext.relay.server import run_relay

        await run_relay(directory, settings, config, as_json=context.as_json)

    trio.run(main)


def status(
    *,
    watch: Annotated[
        bool, Parameter(negative=(), help="Go on showing it, every two seconds, until Ctrl-C.")
    ] = False,
    context: Given,
) -> None:
    """Show the relay that runs here: who waits, who talks, how much it carried, whom it refused."""
    from whatnext.cli.relay_page import ask, show
    from whatnext.relay.profile import relay_directory

    directory = relay_directory(context.profile)
    show(ask(directory), context)
    if not watch:
        return
    try:
        while True:
            time.sleep(WATCH_S)
            show(ask(directory), context, again=True)
    except KeyboardInterrupt:
        return


def check(
    address: Annotated[str, Parameter(help="The relay's multiaddr, with /p2p/ and its PeerID.")],
    *,
    token: Annotated[str | None, Parameter(help="The token, where the relay wants one.")] = None,
    context: Given,
) -> int:
    """Try a relay from here: connect, reserve a place, call it through the relay; say what fails and what to do."""
    import trio

    from whatnext.relay.check import Step, check_relay

    def tell(step: Step) -> None:
        if not context.as_json:
            context.print(f"{step.verdict:<8}  {step.check}: {step.seen}")
            if step.next is not None:
                context.print(f"{'':<8}  → {step.next}")
            sys.stdout.flush()

    report = trio.run(check_relay, address, token, tell)
    if not context.show(report):
        context.say(
            "Users may run: whatnext relay add " + address
            if not report.problems
            else "It cannot be used like this."
        )
    return 1 if report.problems else 0


def backup(
    file: Annotated[Path, Parameter(help="The new file; it is never overwritten.")], *, context: Given
) -> None:
    """Copy the relay's key: every address and invite link that names this relay depends on it."""
    from whatnext.cli.words import harmless
    from whatnext.relay.profile import copy_key, relay_directory

    peer = copy_key(relay_directory(context.profile), file.expanduser().absolute())
    if context.show({"file": str(file), "peer": peer}):
        return
    context.print(harmless(str(file)))
    context.say(f"The key of {peer}. Who has it can pass for this relay: keep it where only you can read.")
