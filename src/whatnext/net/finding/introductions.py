"""Friends who introduce friends: a connected peer passes on where a third one, whom both may know, says it is.

`/whatnext/whereis/1.0.0`: one question and one answer on a stream, each a msgpack array behind its length. The answer
is the peer record that the sought one signed and told by identify: nobody can be sent to another address by it.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import msgspec
import trio

from whatnext.errors import UNREADABLE, NetworkError, PeerError, ProtocolViolation
from whatnext.net.framing import framed, read_message
from whatnext.net.network import Network
from whatnext.net.peer_records import MAX_BYTES, PeerRecord, unseal
from whatnext.net.streams import Stream
from whatnext.rates import Buckets

_log = logging.getLogger(__name__)
T = TypeVar("T")

PROTOCOL = "/whatnext/whereis/1.0.0"
MAX_QUESTION, MAX_ANSWER = 128, MAX_BYTES + 16
QUESTION_S, ANSWER_S = 5.0, 3.0
MAX_ASKED = 4
"""Friends asked at once."""
PER_S, BURST, MAX_ASKERS = 2.0, 64, 256
"""Questions of one peer: who comes back asks for everybody it misses, later every 10 s for each."""


class Question(msgspec.Struct, array_like=True, frozen=True):
    """Asks where a peer is."""

    peer: Annotated[str, msgspec.Meta(max_length=64)]


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """Its sealed record; empty when there is none, or it is none of the asker's business, which looks the same."""

    record: bytes


class Introducer:
    """The answering side; `may_know(asker, peer)` says whether one may learn where the other is."""

    def __init__(self, network: Network, may_know: Callable[[str, str], bool]) -> None:
        self._network = network
        self._may_know = may_know
        self._rates = Buckets(PER_S, BURST, MAX_ASKERS)
        network.handle(PROTOCOL, self.serve)

    async def serve(self, stream: Stream) -> None:
        """Answer one question. Cancelling resets the stream, as one that is malformed or late does."""
        try:
            with trio.fail_after(QUESTION_S):
                question = _decoded(await read_message(stream, MAX_QUESTION), Question)
        except trio.TooSlowError:
            raise ProtocolViolation(
                "it opened a stream to ask where somebody is, and asked nothing"
            ) from None
        record = b""
        is_in_time = self._rates.take(stream.peer, 1, trio.current_time())
        if is_in_time and self._may_know(stream.peer, question.peer):
            record = self._network.record_of(question.peer)
        await stream.send_all(framed(msgspec.msgpack.encode(Answer(record))))


class ThroughFriends:
    """A way of finding: asks those connected who may know; `friends(peer)` gives them, the likeliest first."""

    name = "friends"
    nothing = "no connected friend knows where it is"
    is_local = False

    def __init__(self, network: Network, friends: Callable[[str], Sequence[str]]) -> None:
        self._network = network
        self._friends = friends

    async def find(self, peer: str) -> Sequence[str]:
        """The addresses in the newest record that a friend has."""
        records: list[PeerRecord] = []
        with trio.move_on_after(ANSWER_S):
            async with trio.open_nursery() as nursery:
                for friend in self._friends(peer)[:MAX_ASKED]:
                    nursery.start_soon(self._ask, friend, peer, records)
        return max(records, key=lambda record: record.seq).addresses if records else ()

    async def _ask(self, friend: str, peer: str, records: list[PeerRecord]) -> None:
        try:
            async with await self._network.open_stream(friend, [PROTOCOL], ANSWER_S) as stream:
                await stream.send_all(framed(msgspec.msgpack.encode(Question(peer))))
                sealed = _decoded(await read_message(stream, MAX_ANSWER), Answer).record
            record = unseal(sealed) if sealed else None
        except (NetworkError, PeerError) as error:  # an older app, or it left: the other ways go on
            _log.debug("it was asked where %s is: %s", peer, error, extra={"peer": friend})
            return
        if record is not None and record.peer == peer:
            records.append(record)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except UNREADABLE as error:
        raise ProtocolViolation(f"a message about where somebody is cannot be read: {error}") from error
