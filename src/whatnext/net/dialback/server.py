"""The answering side of dial-back, for nodes and relays alike; bounded in rate, number and time."""

import logging
from collections import Counter
from typing import TYPE_CHECKING

import trio

from whatnext.errors import NetworkError, ProtocolViolation
from whatnext.net.admission.origins import origin_of
from whatnext.net.dialback.knocking import Knocker
from whatnext.net.dialback.messages import (
    MAX_MESSAGE,
    PROTOCOL,
    Answer,
    Dialled,
    Outcome,
    Refusal,
    decode_question,
    encode,
)
from whatnext.net.dialback.policy import IP, Allowance, seen_ip, target
from whatnext.net.framing import framed, read_message

if TYPE_CHECKING:
    from whatnext.net import Network, Stream

_log = logging.getLogger(__name__)

KNOCK_S = 4.0
"""Two lost SYNs fit in; the asker waits for all of its addresses, which are tried at once."""
QUESTION_S = 5.0
MAX_AT_ONCE = 8
EACH_AT_ONCE = 2
"""Questions from one IP, or through relays of one peer, served at once: who asks slowly leaves room for others."""


class DialbackServer:
    """Serves one network from its making on; `loopback` lets a test on one device dial itself."""

    def __init__(self, network: "Network", *, loopback: bool = False) -> None:
        self._loopback = loopback
        self._allowance = Allowance(trio.current_time())
        self._at_once: Counter[str] = Counter()
        self._knocker = Knocker()
        network.handle(PROTOCOL, self.serve)

    async def serve(self, stream: "Stream") -> None:
        """Answer one question. Cancelling closes what is being dialled; a malformed one resets the stream."""
        origin = origin_of(stream.address)
        asker = stream.peer if origin is None else origin.key
        if self._at_once.total() >= MAX_AT_ONCE or self._at_once[asker] >= EACH_AT_ONCE:
            await self._say(stream, Answer("", [], Refusal.BUSY))
            return
        self._at_once[asker] += 1
        try:
            with trio.fail_after(QUESTION_S):
                question = decode_question(await read_message(stream, MAX_MESSAGE))
            await self._say(stream, await self._answer(stream, question.addresses))
        except trio.TooSlowError:
            _log.info("opened a dial-back and asked nothing", extra={"peer": stream.peer})
            await stream.reset()
        except ProtocolViolation as error:
            _log.info("%s", error, extra={"peer": stream.peer})
            await stream.reset()
        finally:
            self._at_once[asker] -= 1
            self._at_once += Counter()  # forgets those at zero

    async def _answer(self, stream: "Stream", addresses: list[str]) -> Answer:
        seen = seen_ip(stream.address, loopback=self._loopback)
        if seen is None:
            return Answer("", [], Refusal.UNSEEN)
        refusal = self._allowance.take(seen, trio.current_time())
        if refusal is not Refusal.NONE:
            return Answer(stream.address, [], refusal)
        return Answer(stream.address, await self._dial_all(stream.peer, seen, addresses))

    async def _dial_all(self, peer: str, seen: IP, addresses: list[str]) -> list[Dialled]:
        targets = {wish: target(seen, wish) for wish in addresses}
        reached: set[str] = set()

        async def knock(address: str) -> None:
            if await self._knocker.reaches(peer, address, KNOCK_S):
                reached.add(address)

        async with trio.open_nursery() as nursery:
            for address in {found for found in targets.values() if found is not None}:
                nursery.start_soon(knock, address)
        return [Dialled(found or wish, _outcome(found, reached)) for wish, found in targets.items()]

    async def _say(self, stream: "Stream", answer: Answer) -> None:
        try:
            await stream.send_all(framed(encode(answer)))
        except NetworkError as error:
            _log.debug("it left before the answer: %s", error, extra={"peer": stream.peer})


def _outcome(found: str | None, reached: set[str]) -> Outcome:
    if found is None:
        return Outcome.SKIPPED
    return Outcome.REACHED if found in reached else Outcome.FAILED
