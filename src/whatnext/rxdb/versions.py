"""Names and versions of the protocol, newest first: on libp2p as protocol ids, on a WebSocket as subprotocols."""

PROTOCOLS = ("/whatnext/rxdb/1.1.0", "/whatnext/rxdb/1.0.0")
SUBPROTOCOLS = ("whatnext.rxdb.1.1", "whatnext.rxdb.1.0")


def has_errors(name: str) -> bool:
    """Whether a client of this version knows the member `error`, and compressed messages on a stream."""
    return name in (PROTOCOLS[0], SUBPROTOCOLS[0])
