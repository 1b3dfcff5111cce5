"""Dial-back, `/whatnext/dialback/1.0.0`: asking where one is seen, and which of one's addresses can be dialled.

py-libp2p 0.8.1's AutoNAT cannot be used: the connection that is there already answers its dials, so every address is
reached (`tests/net/test_canaries_dialback.py`). Our server dials from a new socket, with a key it uses for nothing
else, only as far as Noise proves who is there, and only the IP it sees the asker at: it can be made to knock at nobody
else's door.

`DialbackServer(network)` serves; `ask(network, peer, addresses)` asks. Importing this is quick.
"""

from whatnext.net.dialback.asking import ask, wishes
from whatnext.net.dialback.messages import PROTOCOL, Answer, Dialled, Outcome, Refusal
from whatnext.net.dialback.server import DialbackServer

__all__ = ["PROTOCOL", "Answer", "DialbackServer", "Dialled", "Outcome", "Refusal", "ask", "wishes"]
