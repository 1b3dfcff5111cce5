"""The asking side of dial-back."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import trio

from whatnext.errors import ConnectionLost, ProtocolViolation
from whatnext.net.addresses import Kind, ip_of, kind_of, transport_of, without_peer
from whatnext.net.dialback.messages import (
    MAX_ADDRESSES,
    MAX_MESSAGE,
    PROTOCOL,
    Answer,
    Question,
    decode_answer,
    encode,
)
from whatnext.net.dialback.policy import seen_ip, target
from whatnext.net.framing import framed, read_message

if TYPE_CHECKING:
    from whatnext.net import Network

ANSWER_S = 10.0


async def ask(network: "Network", peer: str, addresses: Sequence[str]) -> Answer:
    """Ask a connected peer; `addresses` as `wishes` makes them.

    Raises `ConnectionLost` when it does not answer in time, `VersionMismatch` when it does not speak the protocol,
    `ProtocolViolation` when its answer is none. What it answers is only its word. Cancelling resets the stream.
    """
    try:
        with trio.fail_after(ANSWER_S):
            async with await network.open_stream(peer, [PROTOCOL]) as stream:
                await stream.send_all(framed(encode(Question(list(addresses)[:MAX_ADDRESSES]))))
                answer = decode_answer(await read_message(stream, MAX_MESSAGE))
    except trio.TooSlowError as error:
        raise ConnectionLost(f"{peer} did not answer within {ANSWER_S:g} s") from error
    _check(answer, addresses)
    return answer


def wishes(announced: Iterable[str]) -> list[str]:
    """What to ask for: each TCP and WebSocket port of ours at the IP we are seen at, then our public addresses."""
    direct = [without_peer(address) for address in announced if kind_of(address) is not Kind.RELAY]
    fit = [address for address in direct if transport_of(address) in ("tcp", "ws") and ip_of(address)]
    anywhere = [_anywhere(address) for address in fit]
    public = [address for address in fit if kind_of(address) is Kind.PUBLIC]
    return list(dict.fromkeys([*anywhere, *public]))[:MAX_ADDRESSES]


def _anywhere(address: str) -> str:
    ip = ip_of(address)
    assert ip is not None
    return address.replace(f"/{address.split('/')[2]}/", "/0.0.0.0/" if ip.version == 4 else "/::/", 1)


def _check(answer: Answer, asked: Sequence[str]) -> None:
    """An answer that speaks of addresses nobody asked for is made up."""
    seen = seen_ip(answer.observed, loopback=True)
    expected = {*asked, *(found for wish in asked if seen and (found := target(seen, wish)))}
    strange = next((each.address for each in answer.dialled if each.address not in expected), None)
    if strange is not None:
        raise ProtocolViolation(f"the answer speaks of {strange[:80]}, which nobody asked for")
