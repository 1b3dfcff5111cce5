"""Which changes are never undone, whoever asks and whatever came since. Pure."""

from whatnext.records.codec import Record

_INSTEAD = (
    ("invites", "`whatnext invite revoke` or a new invite does"),
    ("members", "`whatnext members role`, `whatnext members remove` or `whatnext playlist leave` does"),
)


def why_not(target: Record, what: str) -> str | None:
    """Why a change, told in the clause `what`, is never undone, and what does it instead; None for all others."""
    collections = {write.collection for write in target.body.writes}
    if target.is_genesis:
        return f"“{what}” cannot be undone: `whatnext playlist delete` removes the playlist"
    for collection, instead in _INSTEAD:
        if collection in collections:
            return f"undo does not change who is in a playlist (“{what}”): {instead}"
    if collections == {"profiles"}:
        return "a name is not undone: `whatnext profile name` gives another one"
    return None
