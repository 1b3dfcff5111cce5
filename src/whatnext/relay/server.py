"""The composition root of the relay: its key, its network, what it serves, until it is told to stop."""

import logging
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import trio

from whatnext.config import ProfileLock
from whatnext.identity import load_or_create
from whatnext.net import NetConfig, open_network
from whatnext.relay.config import RelayConfig, default_listen

_log = logging.getLogger(__name__)


async def run_relay(directory: Path, config: RelayConfig) -> None:
    """Run a relay until SIGTERM or SIGINT.

    Raises `ProfileBusy` when one runs on this directory, what `identity` says of its key, `LocalError` when a port is
    taken. Cancelling stops it without draining.
    """
    with ProfileLock(directory):
        identity = load_or_create(directory)
        net = NetConfig(
            listen=config.listen or default_listen(),
            announce=config.announce,
            max_connections=config.limits.max_connections,
        )
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with open_network(identity, net) as network:
                shown = "".join(f"\n  {address}" for address in network.addresses())
                sys.stderr.write(f"The relay is ready: {network.peer}{shown}\n")
                await _stopped(signals)


async def _stopped(signals: AsyncIterator[int]) -> None:
    async for number in signals:
        _log.info("stopping: %s", signal.Signals(number).name)
        return
