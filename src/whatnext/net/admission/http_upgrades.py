"""WebSocket: the HTTP request comes before anything the swarm sees, so it is counted and timed here.

py-libp2p 0.8.1 lets each of any number of sockets stay silent for a minute before it asks for nothing more; a
thousand of them and this device has no descriptor left (`tests/net/test_canaries_admission.py`).
"""

from collections.abc import Awaitable, Callable

import trio
from libp2p.transport.websocket.listener import WebsocketListener
from trio_websocket import WebSocketRequest

from whatnext.net.admission.arrivals import Arrivals
from whatnext.net.admission.gate import Gate
from whatnext.net.admission.origins import Origin, origin_of
from whatnext.net.config import NetConfig, PerIp


class HttpUpgrades:
    """Sockets whose HTTP request is awaited, over all WebSocket listeners of a swarm."""

    def __init__(self, gate: Gate, config: NetConfig) -> None:
        self._gate = gate
        self._patience_s = config.handshake_timeout_s
        # Rates are the gate's to count, once for each connection: after the request.
        self._arrivals = Arrivals(
            _no_rate(config.per_ip), _no_rate(config.per_near_ip), config.max_handshakes
        )
        self._awaited: dict[trio.abc.Stream, Origin | None] = {}
        self._guarded: set[int] = set()

    @property
    def under_way(self) -> int:
        """Sockets whose request is awaited."""
        return self._arrivals.under_way

    def guard(self, listener: WebsocketListener) -> None:
        """Bound the sockets of a listener that has just begun to listen; nothing the second time.

        The server runs already: the very first socket of each listener is not counted, only timed.
        """
        server = listener._server  # noqa: SLF001 - nothing public leads to it
        if server is None or id(server) in self._guarded:
            return
        self._guarded.add(id(server))
        server._connect_timeout = self._patience_s  # noqa: SLF001 - a minute otherwise
        server._handler = self._answered(server._handler)  # noqa: SLF001
        for sockets in server._listeners:  # noqa: SLF001
            sockets.accept = self._counted(sockets.accept)

    def _counted(
        self, accept: Callable[[], Awaitable[trio.abc.Stream]]
    ) -> Callable[[], Awaitable[trio.abc.Stream]]:
        async def accept_counted() -> trio.abc.Stream:
            while True:
                stream = await accept()
                if self._begin(stream):
                    return stream
                await trio.aclose_forcefully(stream)

        return accept_counted

    def _begin(self, stream: trio.abc.Stream) -> bool:
        address = _source(stream)
        origin = origin_of(address)
        refusal = self._arrivals.begin(origin, trio.current_time())
        if refusal is not None:
            self._gate.refused(None, address, refusal)
            return False
        self._awaited[stream] = origin
        aclose = stream.aclose

        async def aclose_counted() -> None:
            self._done(stream)
            await aclose()

        stream.aclose = aclose_counted  # type: ignore[method-assign] # trio closes every stream it served
        return True

    def _answered(self, serve: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def handle(request: WebSocketRequest) -> None:
            self._done(request._connection._stream)  # noqa: SLF001 - as above
            await serve(request)

        return handle

    def _done(self, stream: trio.abc.Stream) -> None:
        if stream in self._awaited:
            self._arrivals.end(self._awaited.pop(stream))


def _no_rate(limits: PerIp) -> PerIp:
    return PerIp(connections=0, handshakes=limits.handshakes, rate_per_s=1e9, burst=1_000_000_000)


def _source(stream: trio.abc.Stream) -> str:
    if isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    if not isinstance(stream, trio.SocketStream):
        return ""
    try:
        host = stream.socket.getpeername()[0]
    except OSError:
        return ""  # it is gone already
    return f"/{'ip6' if ':' in host else 'ip4'}/{host}"
