"""Asking a connected peer whether it is still there, and answering: libp2p's `/ipfs/ping/1.0.0`.

One stream of a connection carries all its pings, as the spec allows: a new one for each costs five times the work. The
answering side is ours because that of py-libp2p 0.8.1 takes two streams of a peer, over however many connections, and
keeps an entry for everybody who ever pinged (`tests/net/test_canaries.py`).
https://github.com/libp2p/specs/blob/master/ping/ping.md
"""

import contextlib
import secrets
import time

import trio
from libp2p.abc import INetConn, INetStream

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.net.negotiation import NoCommonProtocol, open_on
from whatnext.net.streams import Stream

PING = "/ipfs/ping/1.0.0"
PAYLOAD_BYTES = 32
IDLE_S = 60.0
"""How long a peer that pings may pause before its stream is ended; a relay asks every 20 s."""


class Heartbeat:
    """The pings of one connection, over a stream that stays open; when it has ended, over a new one."""

    def __init__(self, conn: INetConn) -> None:
        self._conn = conn
        self._stream: Stream | None = None
        self._one_at_a_time = trio.Lock()

    async def ping(self, timeout_s: float) -> float:
        """Seconds one ping took there and back, at most `timeout_s` with opening the stream.

        A peer without the ping protocol answers "na", which proves life as well: then it is the time of that answer.
        Raises `ConnectionLost` when nothing came in time, `ProtocolViolation` when something else came back. Cancelling
        gives the stream up, as an answer may still be on its way.
        """
        try:
            with trio.fail_after(timeout_s):
                async with self._one_at_a_time:
                    return await self._ping(timeout_s)
        except trio.TooSlowError as error:
            peer = self._conn.muxed_conn.peer_id
            raise ConnectionLost(f"{peer} did not answer a ping within {timeout_s:g} s") from error

    async def _ping(self, timeout_s: float) -> float:
        if self._stream is not None:
            with contextlib.suppress(ConnectionLost):  # js-libp2p ends it after 10 s, ours after `IDLE_S`
                return await self._there_and_back(self._stream)
        started = time.perf_counter()
        try:
            raw, protocol = await open_on(self._conn, [PING], timeout_s)
        except NoCommonProtocol:
            return time.perf_counter() - started
        self._stream = Stream(raw, protocol, outbound=True, stall_s=timeout_s)
        self._stream.keep_window_small()
        return await self._there_and_back(self._stream)

    async def _there_and_back(self, stream: Stream) -> float:
        payload = secrets.token_bytes(PAYLOAD_BYTES)
        started = time.perf_counter()
        try:
            await stream.send_all(payload)
            answer = await _payload(stream)
        except BaseException:
            await self._give_up(stream)
            raise
        if answer != payload:
            await self._give_up(stream)
            raise ProtocolViolation(f"{stream.peer} answered a ping with other bytes")
        return time.perf_counter() - started

    async def _give_up(self, stream: Stream) -> None:
        self._stream = None
        await stream.reset()

    async def end(self) -> None:
        """Close the stream; the connection stays."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await _close(stream)


async def ping_once(conn: INetConn, timeout_s: float) -> float:
    """As `Heartbeat.ping`, over a stream of its own."""
    heartbeat = Heartbeat(conn)
    try:
        return await heartbeat.ping(timeout_s)
    finally:
        await heartbeat.end()


async def answer_pings(raw: INetStream) -> None:
    """Serve the protocol on a stream until the peer ends it or says nothing for `IDLE_S`. Cancelling resets it."""
    stream = Stream(raw, PING, outbound=False, stall_s=IDLE_S)
    stream.keep_window_small()
    try:
        while True:
            with trio.fail_after(IDLE_S):
                await stream.send_all(await _payload(stream))
    except (ConnectionLost, trio.TooSlowError):
        await _close(stream)
    except BaseException:
        await stream.reset()
        raise


async def _close(stream: Stream) -> None:
    with contextlib.suppress(ConnectionLost):  # it is gone already
        await stream.close()


async def _payload(stream: Stream) -> bytes:
    """One ping or its answer; raises `ConnectionLost` at the end of the stream."""
    payload = b""
    while len(payload) < PAYLOAD_BYTES:
        part = await stream.receive_some(PAYLOAD_BYTES - len(payload))
        if not part:
            raise ConnectionLost(f"{stream.peer} ended the stream of pings")
        payload += part
    return payload
