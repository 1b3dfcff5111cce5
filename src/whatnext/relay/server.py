"""The relay as a process: its lock and key, its page, signals, and a configuration file that may change."""

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from whatnext.config import ProfileLock
from whatnext.errors import WhatNextError
from whatnext.identity import load_or_create
from whatnext.net.addresses import Kind, kind_of
from whatnext.net.metrics import NetMetrics
from whatnext.node.api.server import bind, serving
from whatnext.relay.config import RelayConfig, read_config
from whatnext.relay.hop import reachable
from whatnext.relay.metrics import RelayMetrics
from whatnext.relay.ops import Page
from whatnext.relay.relay import Relay, open_relay
from whatnext.relay.status import RelayFile, leave_word, take_back

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
"""Pause between two looks whether the configuration file has changed."""
_SIGNALS = {signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])}


async def run_relay(directory: Path, config: RelayConfig, file: Path | None = None, *, as_json: bool) -> None:
    """Run a relay until SIGTERM or SIGINT, which let circuits finish first; a second one ends it at once.

    `file`, where `config` came from, is read again when it changes or on SIGHUP. Raises `ProfileBusy` when one runs on
    this directory, what `identity` says of its key, `LocalError` when a port is taken, `UserError` for access rules
    without sense. Cancelling stops it without draining.
    """
    with ProfileLock(directory, "Ctrl-C or SIGTERM"), trio.open_signal_receiver(*_SIGNALS) as signals:
        take_back(directory)  # a relay that was killed left it
        try:
            async with _running(directory, config) as (relay, url), trio.open_nursery() as nursery:
                if file is not None:
                    nursery.start_soon(_follow, file, relay)
                _announce(relay, url, as_json=as_json)
                await _told_to_stop(signals, relay, file)
                nursery.start_soon(_cancel_on_signal, signals, nursery.cancel_scope)
                await relay.drain(config.drain_s)
                nursery.cancel_scope.cancel()
        finally:
            take_back(directory)


@asynccontextmanager
async def _running(directory: Path, config: RelayConfig) -> AsyncIterator[tuple[Relay, str]]:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    counted = NetMetrics(registry)
    with bind(config.ops_port) as listener:
        async with open_relay(load_or_create(directory), config, counted) as relay:
            counted.watch(relay.network)
            RelayMetrics(registry, relay)
            port = listener.getsockname()[1]
            page, url = Page(relay, registry, port, trio.current_time), f"http://127.0.0.1:{port}"
            async with serving(page, listener, lambda: None):
                word = RelayFile(url=url, token=page.token, pid=os.getpid(), peer=relay.network.peer)
                leave_word(directory, word)
                yield relay, url


async def _told_to_stop(signals: AsyncIterator[int], relay: Relay, file: Path | None) -> None:
    async for number in signals:
        if number in (signal.SIGTERM, signal.SIGINT):
            _log.info("stopping: %s", signal.Signals(number).name)
            return
        if file is None:
            _log.warning("SIGHUP, and there is no configuration file to read again: start with --config FILE")
        else:
            await _reload(file, relay)


async def _cancel_on_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for number in signals:
        if number in (signal.SIGTERM, signal.SIGINT):
            _log.info("stopping at once: %s again", signal.Signals(number).name)
            scope.cancel()


async def _follow(file: Path, relay: Relay) -> None:
    """Read the configuration again whenever its file changes."""
    known = _stamp(file)
    while True:
        await trio.sleep(_LOOK_EVERY_S)
        if (now := _stamp(file)) not in (known, None):
            known = now
            await _reload(file, relay)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What changes when a file does: editors replace files as often as they write them. None while there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


async def _reload(file: Path, relay: Relay) -> None:
    try:
        await relay.reconfigure(read_config(file))
    except WhatNextError as error:
        _log.error("the configuration is as it was, since the new one is wrong: %s", error)
        return
    access = relay.switchboard.access.mode
    _log.info("access and limits were read again: %s is %s", file.name, access)


def _announce(relay: Relay, url: str, *, as_json: bool) -> None:
    addresses = list(reachable(relay.network.addresses()))
    if as_json:
        ready = {"peer": relay.network.peer, "addresses": addresses, "url": url, "pid": os.getpid()}
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        return
    shown = "".join(f"  whatnext relay add {address}\n" for address in addresses)
    sys.stderr.write(f"The relay is ready. Its users run one of these:\n{shown}")
    if not any(kind_of(address) is Kind.PUBLIC for address in addresses):
        sys.stderr.write(
            "None of these is reachable from the internet. With a forwarded port: --announce /ip4/YOUR.IP/tcp/4001\n"
        )
    sys.stderr.write(f"Look at it: whatnext relay status, or {url}/metrics\n")
