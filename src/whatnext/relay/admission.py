"""The relay's side of `/whatnext/relay-access/1.0.0`: clients show their token."""

import logging

import trio

from whatnext.errors import ProtocolViolation
from whatnext.net import Network, Stream
from whatnext.net.framing import read_message
from whatnext.net.relay_access import MAX_MESSAGE, PROTOCOL, Shown, decode_request, encode
from whatnext.relay.hop import origin_key
from whatnext.relay.ledger import Ledger
from whatnext.relay.switchboard import Switchboard

_log = logging.getLogger(__name__)


class Admission:
    """Answers tokens on one network, from the moment it is made."""

    def __init__(self, network: Network, switchboard: Switchboard, ledger: Ledger) -> None:
        self._switchboard = switchboard
        self._ledger = ledger
        network.handle(PROTOCOL, self.serve)

    async def serve(self, stream: Stream) -> None:
        """Read one token, answer yes or no. A frame that is none or does not come in time resets the stream."""
        try:
            with trio.fail_after(self._switchboard.limits.handshake_s):
                shown = decode_request(await read_message(stream, MAX_MESSAGE))
                await stream.send_all(encode(self._judged(stream, shown.token)))
        except (ProtocolViolation, trio.TooSlowError) as error:
            _log.info("showed no token: %s", error or "too slow", extra={"peer": stream.peer})
            await stream.reset()

    def _judged(self, stream: Stream, token: str) -> Shown:
        origin = origin_key(stream.address)
        refusal = self._switchboard.show_token(stream.peer, origin, token, trio.current_time())
        if refusal is None:
            self._ledger.tokens_accepted += 1
            return Shown(granted=True)
        self._ledger.refused(refusal)
        _log.warning("token refused: %s", refusal.reason, extra={"peer": stream.peer, "origin": origin})
        return Shown(granted=False, reason=refusal.reason)
