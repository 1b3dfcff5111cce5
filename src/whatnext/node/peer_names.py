"""Finding which peer a user means, over everybody this node knows."""

from collections.abc import Mapping

from whatnext.errors import Ambiguous, NotFound


def find_peer(known: Mapping[str, str | None], text: str) -> str:
    """PeerID behind a PeerID, a name, or the beginning or end of a PeerID; `known` maps PeerIDs to names.

    Raises `NotFound` or `Ambiguous` with the candidates.
    """
    if text in known:
        return text
    by_name = [p for p, name in known.items() if text and name and name.casefold() == text.casefold()]
    by_id = [p for p in known if text and (p.startswith(text) or p.endswith(text))]
    for fits in (by_name, by_id):
        if len(fits) > 1:
            listed = ", ".join(f"…{p[-8:]} ({known[p] or 'no name'})" for p in fits[:8])
            raise Ambiguous(f"“{text[:60]}” fits several peers: {listed}. Use the end of the PeerID")
        if fits:
            return fits[0]
    raise NotFound(f"no peer “{text[:60]}” is known here: `whatnext peers` shows who is")
