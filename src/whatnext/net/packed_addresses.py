"""Multiaddrs as they stand in messages, in bytes; imported late, since the multiaddr package is slow to load."""

from collections.abc import Iterable


def packed(address: str) -> bytes:
    """One multiaddr in bytes; `ValueError` when it is none."""
    from multiaddr import Multiaddr  # type: ignore[import-untyped]

    return bytes(Multiaddr(address).to_bytes())


def unpacked(found: Iterable[bytes]) -> list[str]:
    """Those that are multiaddrs, as text: rubbish, and kinds that only a newer peer knows, are left out."""
    from multiaddr import Multiaddr
    from multiaddr.exceptions import Error  # type: ignore[import-untyped]

    texts = []
    for raw in found:
        try:
            text = str(Multiaddr(raw)) if raw else ""
        except (Error, ValueError, LookupError):
            continue
        if len(text) > 1:  # the empty multiaddr is "/"
            texts.append(text)
    return texts
