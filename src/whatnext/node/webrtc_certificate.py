"""The certificate of a profile for WebRTC: an invite link that names its hash is good after a restart too."""

import logging
from collections.abc import Sequence
from pathlib import Path

from whatnext.config import write_private
from whatnext.errors import LocalError

_log = logging.getLogger(__name__)

FILE = "webrtc.pem"


def kept_certificate(directory: Path, listen: Sequence[str]) -> bytes:
    """Key and certificate as PEM, made at the first need; empty when WebRTC is not listened on, or cannot be.

    A damaged file is replaced. Raises nothing: without a file WebRTC works too, with another address at each start.
    """
    if not any("webrtc-direct" in address.split("/") for address in listen):
        return b""
    from whatnext.net.webrtc_certificate import is_possible, made, read

    if not is_possible():
        return b""  # whoever opens the network says what to install
    path = directory / FILE
    try:
        pem = path.read_bytes()
        read(pem)
    except FileNotFoundError:
        pass
    except (OSError, LocalError) as error:
        _log.warning("%s is made anew, old WebRTC addresses of this node lead nowhere now: %s", path, error)
    else:
        return pem
    pem = made()
    try:
        write_private(path, pem)
    except LocalError as error:
        _log.warning("the WebRTC address changes with the next start: %s", error)
    return pem
