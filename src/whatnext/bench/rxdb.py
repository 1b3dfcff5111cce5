"""`bench rxdb`: RxDB clients of a node, beside RxDB's own master in the same run; and what deaf clients cost.

The clients are real ones, in Node.js (`clients/js/bench/rxdb.ts`). Times are the system's monotonic clock, the same in
all processes of one machine.
"""

import json
import shutil
import socket
import subprocess
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

import msgspec

from whatnext.bench import stages
from whatnext.bench.bulk import fill
from whatnext.bench.chance import seeded
from whatnext.bench.device import Device
from whatnext.bench.nodes import Node, entry_ids, nodes
from whatnext.bench.progress import say
from whatnext.errors import LocalError, UserError
from whatnext.identity import load_or_create
from whatnext.store.database import FILE

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "clients/js/bench/rxdb.ts"
COLLECTIONS = ("playlists", "entries", "votes", "comments", "members", "profiles")
DEAF_EDITS = 300
DEAF_NOTE = 20_000
"""Characters of each edit that the deaf clients are not told: 300 of them are 6 MB for each."""
PATIENCE_S = 300.0


class RxdbReport(msgspec.Struct, frozen=True, kw_only=True):
    """`cold_s`: a client without anything has all entries, median; `stock_cold_s` the same from RxDB's own master.

    `client_p50_ms`: from an edit at client A until client B shows it, through the node, signed and durable;
    `node_p50_ms` from the moment it is durable on the node. `deaf_mb`: what the node's memory grew by while `deaf`
    clients that read nothing missed `deaf_told_mb`; `quiet_mb` by the same edits without them.
    """

    bench: str = "rxdb"
    entries: int
    batch: int
    documents: int
    cold_s: float
    stock_cold_s: float
    edits: int
    client_p50_ms: float
    client_p99_ms: float
    node_p50_ms: float
    node_p99_ms: float
    deaf: int
    deaf_told_mb: float
    deaf_mb: float
    quiet_mb: float


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything."""

    entries: int = 10_000
    batch: int = 1000
    runs: int = 5
    edits: int = 200
    deaf: int = 20
    seed: int


def measure(options: Options) -> RxdbReport:
    """Fill a node, let clients pull and edit, then others be deaf. Raises `UserError` without Node.js and RxDB."""
    javascript = command()
    if javascript is None:
        raise UserError("this bench needs Node.js 24 and RxDB: run `make setup` in WhatNext's own repository")
    made: dict[str, str] = {}

    def prepare(directory: Path) -> None:
        say(f"making {options.entries} entries")
        device = Device("peer0", seeded(options.seed), directory / FILE, load_or_create(directory))
        made["playlist"] = device.create("Kitchen party")
        fill(device, made["playlist"], options.entries, 100)
        device.close()

    with nodes(1, prepare, module=stages.MODULE) as (node,), _stock(javascript, options.entries) as stock:
        say(f"{options.runs} cold pulls from the node and from RxDB, then {options.edits} edits")
        told = _clients(javascript, options, node, stock)
        quiet = _grown(node, made["playlist"], 0)
        deaf = _grown(node, made["playlist"], options.deaf)
        directory = node.directory
        node.stop()
        durable = [1000 * at for at, name in stages.load(directory) if name == "durable"]
    whole = [seen - began for began, seen in told["live"]]
    last = [seen - durable[bisect_right(durable, seen) - 1] for _, seen in told["live"]]
    return RxdbReport(
        entries=options.entries,
        batch=options.batch,
        documents=told["cold"]["documents"],
        cold_s=round(median(told["cold"]["nodeMs"]) / 1000, 3),
        stock_cold_s=round(median(told["cold"]["stockMs"]) / 1000, 3),
        edits=options.edits,
        client_p50_ms=round(median(whole), 3),
        client_p99_ms=round(quantiles(whole, n=100)[98], 3),
        node_p50_ms=round(median(last), 3),
        node_p99_ms=round(quantiles(last, n=100)[98], 3),
        deaf=options.deaf,
        deaf_told_mb=round(options.deaf * DEAF_EDITS * DEAF_NOTE / 1e6, 1),
        deaf_mb=round(deaf, 1),
        quiet_mb=round(quiet, 1),
    )


def command() -> list[str] | None:
    """The command that runs the clients; None where Node.js or RxDB is missing."""
    own = ROOT / "tools/node24/node_modules/.bin/node"
    runtime = str(own) if own.exists() else shutil.which("node")
    if runtime is None or not (ROOT / "clients/js/node_modules/rxdb").exists():
        return None
    return [runtime, str(SCRIPT)]


@contextmanager
def _stock(javascript: list[str], entries: int) -> Iterator[str]:
    """RxDB's own master with as many documents, as a process; its address."""
    with subprocess.Popen(
        [*javascript, "serve", str(entries)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip().decode()
            if not port:
                raise LocalError("RxDB's own master did not start; Node.js has said why")
            yield f"ws://127.0.0.1:{port}"
        finally:
            process.kill()


def _clients(javascript: list[str], options: Options, node: Node, stock: str) -> Any:
    wanted = {
        "url": node.url,
        "token": node.token,
        "stock": stock,
        "batch": options.batch,
        "runs": options.runs,
        "edits": options.edits,
        "pauseMs": 5,
    }
    done = subprocess.run(
        [*javascript, "measure", json.dumps(wanted)], stdout=subprocess.PIPE, timeout=PATIENCE_S, check=False
    )
    if done.returncode:
        raise LocalError("the clients failed; Node.js has said why")
    return json.loads(done.stdout)


def _grown(node: Node, playlist: str, deaf: int) -> float:
    """MB by which the node grows while one entry is edited and so many clients listen and read nothing."""
    entry = entry_ids(node, playlist)[0]
    with ExitStack() as stack:
        for _ in range(deaf):
            stack.enter_context(_deaf(node))
        before = node.resident_mb()
        for number in range(DEAF_EDITS):
            node.ask("playlist.edit", playlist=playlist, entry=entry, note=f"{number} ".ljust(DEAF_NOTE, "x"))
        return node.resident_mb() - before


@contextmanager
def _deaf(node: Node) -> Iterator[None]:
    """A client that listens to everything, pulls once, and never reads."""
    from wsproto import ConnectionType, WSConnection
    from wsproto.events import Request, TextMessage

    where = urlsplit(node.url)
    assert where.port is not None
    protocol = WSConnection(ConnectionType.CLIENT)
    headers = [(b"authorization", f"Bearer {node.token}".encode())]
    with socket.create_connection(("127.0.0.1", where.port), timeout=10) as connection:
        asked = Request(host=where.netloc, target="/rxdb", extra_headers=headers)
        connection.sendall(protocol.send(asked))
        protocol.receive_data(connection.recv(4096))
        for name in COLLECTIONS:
            common = {"collection": name}
            listen = {"id": "stream", "method": "masterChangeStream$", "params": [], **common}
            pull = {"id": "deaf|1", "method": "masterChangesSince", "params": [None, 5000], **common}
            for message in (listen, pull):
                connection.sendall(protocol.send(TextMessage(data=json.dumps(message))))
        yield
