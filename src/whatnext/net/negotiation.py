"""Opening a stream on one connection and agreeing on its protocol by multistream-select."""

from collections.abc import Sequence

import trio
from libp2p.abc import INetConn, INetStream
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError
from libp2p.protocol_muxer.exceptions import MultiselectClientError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator

from whatnext.errors import ConnectionLost, VersionMismatch
from whatnext.net.multistream import PromptClient
from whatnext.net.streams import BROKEN
from whatnext.net.versions import mismatch_sentence

_IDENTIFY_PATIENCE = (
    2.0  # seconds to wait for the peer's protocol list before we explain a mismatch without it
)


class NoCommonProtocol(Exception):
    """The peer answered, and speaks none of the protocols offered."""


async def open_on(conn: INetConn, protocols: Sequence[str], timeout_s: float) -> tuple[INetStream, str]:
    """Open a stream on this connection; return it and the protocol agreed on, the first offered that both speak.

    Raises `NoCommonProtocol`, or `ConnectionLost` when the connection ended or did not answer in time. Cancelling
    resets the stream.
    """
    peer = str(conn.muxed_conn.peer_id)
    stream: INetStream | None = None
    agreed = False
    try:
        with trio.fail_after(timeout_s):
            stream = await conn.new_stream()
            offered = [TProtocol(protocol) for protocol in protocols]
            # The library's own timeout is in whole seconds and hides which of its errors it was: ours rules.
            chosen = await PromptClient().select_one_of(offered, MultiselectCommunicator(stream), 3600)
            stream.set_protocol(chosen)
            agreed = True
            return stream, str(chosen)
    except trio.TooSlowError as error:
        raise ConnectionLost(f"{peer} did not answer within {timeout_s:g} s") from error
    except MultiselectClientError as error:
        if "not supported" in str(error):
            raise NoCommonProtocol from error
        raise ConnectionLost(f"{peer} ended the stream while we agreed on a protocol") from error
    except (*BROKEN, ValueError) as error:
        raise ConnectionLost(
            f"the connection to {peer} ended: {str(error) or type(error).__name__}"
        ) from error
    finally:
        if stream is not None and not agreed:
            with trio.CancelScope(shield=True):
                await stream.reset()


async def explain_mismatch(host: BasicHost, peer: ID, protocols: Sequence[str]) -> VersionMismatch:
    """Make the error that says who should update, from what the peer announced through identify."""
    theirs: list[str] = []
    with trio.move_on_after(_IDENTIFY_PATIENCE):
        while not (theirs := known_protocols(host, peer)):  # noqa: ASYNC110 - identify has no event
            await trio.sleep(0.02)
    return VersionMismatch(mismatch_sentence(protocols, theirs))


def known_protocols(host: BasicHost, peer: ID) -> list[str]:
    """Protocols the peer announced; empty before identify has run."""
    try:
        return list(host.get_peerstore().get_protocols(peer))
    except PeerStoreError:
        return []
