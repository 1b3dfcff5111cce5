"""Asking a connected peer whether it is still there: libp2p's `/ipfs/ping/1.0.0`, on one given connection."""

import secrets
import time

import trio
from libp2p.abc import INetConn

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.net.negotiation import NoCommonProtocol, open_on
from whatnext.net.streams import Stream

PING = "/ipfs/ping/1.0.0"
PAYLOAD_BYTES = 32  # https://github.com/libp2p/specs/blob/master/ping/ping.md


async def ping_once(conn: INetConn, timeout_s: float) -> float:
    """Seconds one ping took there and back, at most `timeout_s` with opening the stream.

    A peer without the ping protocol answers "na", which proves life as well: then it is the time of that answer.
    Raises `ConnectionLost` when nothing came in time, `ProtocolViolation` when something else came back.
    """
    started = time.perf_counter()
    try:
        raw, protocol = await open_on(conn, [PING], timeout_s)
    except NoCommonProtocol:
        return time.perf_counter() - started
    left = max(0.1, timeout_s - (time.perf_counter() - started))
    stream = Stream(raw, protocol, outbound=True, stall_s=timeout_s)
    try:
        with trio.fail_after(left):
            return await _round_trip(stream)
    except trio.TooSlowError as error:
        raise ConnectionLost(f"{stream.peer} did not answer a ping within {timeout_s:g} s") from error


async def _round_trip(stream: Stream) -> float:
    payload = secrets.token_bytes(PAYLOAD_BYTES)
    async with stream:
        started = time.perf_counter()
        await stream.send_all(payload)
        answer = b""
        while len(answer) < PAYLOAD_BYTES:
            part = await stream.receive_some(PAYLOAD_BYTES - len(answer))
            if not part:
                raise ConnectionLost(f"{stream.peer} ended the ping before it answered")
            answer += part
        if answer != payload:
            raise ProtocolViolation(f"{stream.peer} answered a ping with other bytes")
        return time.perf_counter() - started
