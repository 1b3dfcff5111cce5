"""The certificate whose hash stands in a WebRTC-direct address: made once and kept, so that the address stays good.

Nobody looks at its dates or its names: a dialler compares the hash and then proves both PeerIDs with Noise.
"""

import importlib.util

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from libp2p.transport.webrtc.certificate import WebRTCCertificate

from whatnext.errors import LocalError

_DAYS = 36500  # py-libp2p's own default is 14, for certificates that live as long as the program


def is_possible() -> bool:
    """Whether the extra that WebRTC needs is installed."""
    return importlib.util.find_spec("aiortc") is not None


def made() -> bytes:
    """A new key and its certificate, as PEM."""
    new = WebRTCCertificate.generate(validity_days=_DAYS)
    key = new.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + new.certificate.public_bytes(serialization.Encoding.PEM)


def read(pem: bytes) -> WebRTCCertificate:
    """What `made` gave; raises `LocalError` when it is something else, or the two do not belong together."""
    from aiortc.rtcdtlstransport import RTCCertificate

    try:
        key = serialization.load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificate(pem)
        certified = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise LocalError(f"that is no key with a certificate: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certified != key.public_key():
        raise LocalError("the certificate is another key's")
    found = WebRTCCertificate(certificate, key)
    found._rtc_certificate = RTCCertificate(key, certificate)  # type: ignore[attr-defined] # noqa: SLF001 - as `from_aiortc`
    return found
