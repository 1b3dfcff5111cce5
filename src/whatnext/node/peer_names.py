"""Finding which peer a user means, over everybody this node knows."""

import unicodedata
from collections.abc import Mapping

from whatnext.errors import Ambiguous, NotFound

_LISTED = 8


def find_peer(known: Mapping[str, str | None], text: str) -> str:
    """PeerID behind a PeerID, the beginning or end of one (`…` before it says so), a name or how a name begins.

    `known` maps PeerIDs to names. Case does not matter in names, nor how an accent is written. A whole name goes
    before the beginning of a longer one. Raises `NotFound` or `Ambiguous` with the candidates.
    """
    text = text.strip()
    is_id = text.startswith("…")
    text = text.lstrip("…")
    if text in known:
        return text
    by_id = {p for p in known if text and (p.startswith(text) or p.endswith(text))}
    names = {} if is_id or not text else {p: _folded(name) for p, name in known.items() if name}
    wanted = _folded(text)
    # Together: whoever calls itself like the end of a friend's PeerID must not get the friend's calls.
    exactly = by_id | {p for p, name in names.items() if name == wanted}
    for fits in (exactly, {p for p, name in names.items() if name.startswith(wanted)}):
        if len(fits) > 1:
            raise Ambiguous(
                f"“{text[:60]}” fits several peers: {_listed(known, sorted(fits))}. Use the end of the PeerID"
            )
        if fits:
            return fits.pop()
    raise NotFound(f"no peer “{text[:60]}” is known here: `whatnext peers` shows who is")


def _folded(text: str) -> str:
    """For comparing: Unicode's canonical caseless form (The Unicode Standard, 3.13, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())


def _listed(known: Mapping[str, str | None], peers: list[str]) -> str:
    shown = ", ".join(f"…{p[-8:]} ({known[p] or 'no name'})" for p in peers[:_LISTED])
    more = len(peers) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown
