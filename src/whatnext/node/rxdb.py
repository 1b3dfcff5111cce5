"""RxDB clients of this node: the web UI over a WebSocket as this profile, remote peers over libp2p as themselves."""

import base64
import logging
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from whatnext.errors import InvalidRecord, ProtocolViolation
from whatnext.net import Stream
from whatnext.node.api.asgi import Message, Receive, Scope, Send
from whatnext.playlists.service import Playlists
from whatnext.records.codec import SignedRecord
from whatnext.records.ids import playlist_from_text
from whatnext.rxdb.driver import Ended, StreamChannel, serve
from whatnext.rxdb.master import Master
from whatnext.rxdb.messages import Fault
from whatnext.rxdb.peers import Peers
from whatnext.rxdb.readers import Member, Profile
from whatnext.rxdb.session import Session
from whatnext.rxdb.versions import SUBPROTOCOLS, has_errors
from whatnext.sync import admission

if TYPE_CHECKING:
    from whatnext.sync.discipline import Discipline

_log = logging.getLogger(__name__)

MAX_CLIENTS = 64
MAX_STREAMS_PER_PEER = 2
PEERS_LOOK_S = 1.0
"""Pause between two looks at the peers while a client of this device is there."""
GOODBYE_S = 1.0
"""Patience with the last word to a client."""
_VIOLATION, _TRY_AGAIN = 1002, 1013  # close codes of WebSockets, RFC 6455


class RxdbClients:
    """Serves RxDB's replication; one for the node."""

    def __init__(
        self,
        playlists: Playlists,
        discipline: "Discipline",
        peers: Callable[[], Iterable[dict[str, Any]]] = list,
        on_peer: Callable[[str], None] = lambda peer: None,
    ) -> None:
        """`peers` gives the documents of the collection `peers`, without `version`; `on_peer` hears who comes."""
        self._library = playlists.library
        self._master = Master(playlists)
        self._discipline = discipline
        self._wakers: set[Callable[[], None]] = set()
        self._on_peer = on_peer
        self._count = 0
        self._by_peer: dict[str, int] = {}
        self._peers = Peers(os.urandom(8).hex(), peers)

    async def run(self) -> None:
        """Tell clients of this device how the peers are, until cancelled."""
        while True:
            await trio.sleep(PEERS_LOOK_S)
            if self._wakers and self._peers.look():
                for wake in list(self._wakers):
                    wake()

    async def websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the WebSocket of an ASGI scope whose source and token were checked."""
        await receive()  # websocket.connect
        if self._count >= MAX_CLIENTS:
            await send({"type": "websocket.close", "code": _TRY_AGAIN, "reason": "too many clients"})
            return
        offered = scope.get("subprotocols", [])
        chosen = next((name for name in SUBPROTOCOLS if name in offered), None)
        await send({"type": "websocket.accept", "subprotocol": chosen})
        session = Session(
            self._master, Profile(self._library), has_errors=has_errors(chosen or ""), peers=self._peers
        )
        self._count += 1
        try:
            await serve(session, _WebSocket(receive, send), self._wake_own)
        except Ended as ended:
            _log.warning("an RxDB client of this device: %s", ended)
            code = _VIOLATION if ended.code == "protocol_violation" else _TRY_AGAIN
            with trio.move_on_after(GOODBYE_S):  # who reads nothing does not hear this either
                await send({"type": "websocket.close", "code": code, "reason": str(ended)[:120]})
        finally:
            self._count -= 1

    def _wake_own(self, wake: Callable[[], None]) -> Callable[[], None]:
        unsubscribe = self._master.subscribe(lambda _: wake())
        self._wakers.add(wake)

        def stop() -> None:
            unsubscribe()
            self._wakers.discard(wake)

        return stop

    async def stream(self, stream: Stream) -> None:
        """Serve a libp2p stream as the member that its peer is."""
        peer = stream.peer
        open_already = self._by_peer.get(peer, 0)
        if (
            self._discipline.blocked_for(peer, trio.current_time()) > 0
            or open_already >= MAX_STREAMS_PER_PEER
        ):
            await stream.reset()
            return
        self._on_peer(peer)
        newest = has_errors(stream.protocol)
        session = Session(
            self._master,
            Member(self._library, peer),
            has_errors=newest,
            joining=lambda params: self._join(peer, params),
        )
        self._by_peer[peer] = open_already + 1
        try:
            await serve(session, StreamChannel(stream, packs=newest), self._wake_remote)
        except Ended as ended:
            _log.warning("an RxDB client: %s", ended, extra={"peer": peer})
            if ended.code == "protocol_violation":
                self._report(peer)
            await stream.reset()
        finally:
            self._by_peer[peer] -= 1
            if not self._by_peer[peer]:
                del self._by_peer[peer]

    def _wake_remote(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._master.subscribe(lambda _: wake())

    def _join(self, peer: str, params: list[msgspec.Raw]) -> Fault | None:
        """Take a peer's own admission, as a member does that is shown one over the sync protocol."""
        if len(params) != 3:
            raise ProtocolViolation("join takes a playlist, a record's body and its signature")
        text, *parts = (msgspec.json.decode(param, type=str) for param in params)
        playlist = playlist_from_text(text)
        if playlist is None:
            return Fault("not_found", "that is no playlist's id")
        if not self._discipline.may_join(peer, trio.current_time()):
            return Fault(admission.TOO_MANY, admission.SENTENCES[admission.TOO_MANY])
        try:
            body, signature = (base64.b64decode(part, validate=True) for part in parts)
            signed = msgspec.convert([body, signature], SignedRecord)
            code = admission.check(self._library, playlist, peer, signed)
            if code is None:
                self._library.receive(playlist, [signed])
                return None
        except (
            ValueError,
            msgspec.ValidationError,
            InvalidRecord,
        ) as error:  # ValueError: what is not base64
            self._discipline.join_failed(peer, trio.current_time())
            return Fault(admission.INVALID, str(error))
        self._discipline.join_failed(peer, trio.current_time())
        return Fault(code, admission.sentence(code, ""))

    def _report(self, peer: str) -> None:
        from whatnext.sync.discipline import OffenceKind

        self._discipline.report(peer, OffenceKind.VIOLATION, trio.current_time())


class _WebSocket:
    """An accepted WebSocket as a channel."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def receive(self) -> bytes | str | None:
        """Wait for a message; None when the client is gone."""
        message: Message = await self._receive()
        if message["type"] != "websocket.receive":
            return None
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data or b""

    async def send(self, message: bytes) -> None:
        """Send a message as text, as browsers expect."""
        await self._send({"type": "websocket.send", "text": message.decode()})
