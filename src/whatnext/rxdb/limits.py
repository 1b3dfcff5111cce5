"""Every bound of the RxDB protocols, in one place."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""One message from a client, unpacked."""
MAX_ROWS = 2000
"""Documents of one push."""
MAX_BATCH = 5000
"""Documents of one pull. A pull that got fewer than it asked for would take itself for finished: more is refused."""
MAX_EVENT = 500
"""Documents of one event of the stream; when more have changed, the client is told to pull (`RESYNC`)."""
MAX_WAITING = 32
"""Requests that wait for a client which does not read its answers; beyond it we stop reading from that client."""
MAX_WAITING_BYTES = 1024 * 1024
"""The same in bytes, of the messages that the requests came in; one more may be longer than that."""
RESYNC_AGAIN_S = 5.0
"""Seconds without a pull after which a client that owes one is told `RESYNC` again."""
MAX_GONE_PEERS = 1000
"""Peers that are gone and still told of."""
MAX_ID = 200
"""Characters of a request's id."""
MAX_CLIENT = 100
"""Characters of what names a client in the ids of its requests."""
STALL_TIMEOUT_S = 30.0
"""Seconds for which a client may take nothing of what it is sent."""
COMPRESS_FROM = 1024
"""Bytes from which a message is compressed in version 1.1, where the channel does not do it itself."""
