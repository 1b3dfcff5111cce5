"""py-libp2p's log messages, at the level they deserve and under our own name.

0.8.1 logs ordinary things (a refused port, a peer that left, a cancelled dial) at ERROR and WARNING, to stderr, and
its connection module logs through the *root* logger, whose first use installs a handler for the whole program.
"""

import logging
import os
import re

OURS = "whatnext.net.libp2p"

# Each is part of normal life on a network, told to the user where it matters by our own errors and events.
_ORDINARY = re.compile(
    r"Failed to open|Unexpected error opening TCP stream|Failed to connect to|failed to upgrade security"
    r"|fail to upgrade mux|ADDCONN_FAIL|MultiselectClient|closed unexpectedly|Incomplete read|RawConnError"
    r"|WebSocket|Connection upgrade failed|Error in handle_incoming|Error closing|peer exceeded receive window"
    r"|no transport found|window update|Connection timeout|GO_AWAY|Maximum connections|signature verification"
    r"|is_established=False|Failed to establish connection|ConnectionTerminated",
    re.IGNORECASE,
)


class _Adopted(logging.Handler):
    """Passes records on to our logger; ordinary ones, and those below WARNING, become DEBUG."""

    def emit(self, record: logging.LogRecord) -> None:
        ordinary = record.levelno < logging.WARNING or _ORDINARY.search(record.getMessage())
        level = logging.DEBUG if ordinary else record.levelno
        logging.getLogger(OURS).log(level, "%s: %s", record.name, record.getMessage())


def adopt_libp2p_logs() -> None:
    """Route py-libp2p's messages to the logger `whatnext.net.libp2p`; `LIBP2P_DEBUG` keeps the library's own way."""
    if os.environ.get("LIBP2P_DEBUG"):
        return
    from libp2p.network.connection import swarm_connection

    library = logging.getLogger("libp2p")
    library.handlers[:] = [_Adopted()]
    library.propagate = False
    # Of what nobody will read, not even the records are made: 0.8.1 logs several for each stream.
    library.setLevel(
        logging.DEBUG if logging.getLogger(OURS).isEnabledFor(logging.DEBUG) else logging.WARNING
    )
    vars(swarm_connection)["logging"] = logging.getLogger("libp2p.network.connection")
