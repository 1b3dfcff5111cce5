"""What members say about entries and the playlist: votes and comments, for viewers as well."""

from whatnext.errors import NotPermitted
from whatnext.playlists import references, values
from whatnext.playlists.requests import Comment, Uncomment, Vote
from whatnext.playlists.service import Playlists, unchanged
from whatnext.playlists.views import Changed
from whatnext.records import ids
from whatnext.records.codec import Write
from whatnext.records.permissions import EDITORS
from whatnext.records.schema import Value


def vote(here: Playlists, asked: Vote) -> Changed:
    """Vote for or against an entry, or take the vote back."""
    playlist = references.playlist(here, asked.playlist)
    entry = references.one_entry(here, playlist, asked.entry)
    own = ids.vote_id(entry, here.me)
    current = here.library.documents.get(playlist, ("votes", own))
    if (0 if current is None else current.fields.get("value", 0)) == asked.value:
        return unchanged(playlist)
    return here.write(playlist, [Write("votes", own, {"value": asked.value})], [entry])


def comment(here: Playlists, asked: Comment) -> Changed:
    """Comment on an entry or the playlist; the answer names the comment."""
    playlist = references.playlist(here, asked.playlist)
    fields: dict[str, Value] = {"text": values.prose(asked.text, "the comment", needed=True)}
    if asked.entry is not None:
        fields["entryId"] = references.one_entry(here, playlist, asked.entry)
    fresh = ids.comment_id(here.me, here.new_id())
    return here.write(playlist, [Write("comments", fresh, fields)], [fresh])


def uncomment(here: Playlists, asked: Uncomment) -> Changed:
    """Remove a comment: one's own, or as an editor anybody's."""
    playlist = references.playlist(here, asked.playlist)
    found = references.comment(here, playlist, asked.comment)
    if ids.author_of_comment(found) != here.me and here.library.standing(playlist, here.me) not in EDITORS:
        raise NotPermitted(
            "this is somebody else's comment: its author, an editor or the owner can remove it"
        )
    return here.write(playlist, [Write("comments", found, {"removed": True})], [found])
