"""The playlist itself: begin it, name it, describe it, tag it, delete it."""

from whatnext.errors import LimitExceeded, NotPermitted, UserError
from whatnext.playlists import references, values, viewing
from whatnext.playlists.requests import (
    CreatePlaylist,
    DescribePlaylist,
    OfPlaylist,
    RenamePlaylist,
    SetPlaylist,
    TagPlaylist,
)
from whatnext.playlists.service import Playlists, unchanged
from whatnext.playlists.views import Changed, PlaylistSummary
from whatnext.records import schema
from whatnext.records.codec import Write
from whatnext.records.schema import Value


def create(here: Playlists, asked: CreatePlaylist) -> PlaylistSummary:
    """Begin a playlist that this device owns."""
    return viewing.summary(here, here.library.create(first_writes(here, asked)))


def first_writes(here: Playlists, asked: CreatePlaylist) -> list[Write]:
    """What the first record of a playlist says."""
    fields: dict[str, Value] = {"name": values.line(asked.name, "the name", needed=True)}
    if description := values.prose(asked.description, "the description"):
        fields["description"] = description
    if tags := values.lines(asked.tags, "the tags"):
        fields["tags"] = tags
    writes = [Write("playlists", "", fields)]
    if here.settings.name:
        writes.append(Write("profiles", here.me, here.profile_fields()))
    return writes


def rename(here: Playlists, asked: RenamePlaylist) -> Changed:
    """Give a playlist another name."""
    playlist = references.playlist(here, asked.playlist)
    return _set(here, playlist, {"name": values.line(asked.name, "the name", needed=True)})


def describe(here: Playlists, asked: DescribePlaylist) -> Changed:
    """Give a playlist another description."""
    playlist = references.playlist(here, asked.playlist)
    return _set(here, playlist, {"description": values.prose(asked.description, "the description")})


def tag(here: Playlists, asked: TagPlaylist) -> Changed:
    """Add and remove tags; upper and lower case make no difference in removing."""
    playlist = references.playlist(here, asked.playlist)
    gone = {tag.casefold() for tag in values.lines(asked.remove, "the tags")}
    kept = values.texts_of(viewing.head(here, playlist), "tags")
    tags = [each for each in [*kept, *values.lines(asked.add, "the tags")] if each.casefold() not in gone]
    tags = list(dict.fromkeys(tags))
    if len(tags) > schema.MAX_LIST:
        raise LimitExceeded(f"a playlist has at most {schema.MAX_LIST} tags; these would be {len(tags)}")
    return _set(here, playlist, {"tags": tags})


def adjust(here: Playlists, asked: SetPlaylist) -> Changed:
    """Change mode or cover."""
    playlist = references.playlist(here, asked.playlist)
    fields: dict[str, Value] = {}
    if asked.mode is not None:
        fields["mode"] = asked.mode
    if asked.cover is not None:
        fields["cover"] = values.colour(asked.cover)
    if not fields:
        raise UserError("nothing to set: give a mode or a cover")
    return _set(here, playlist, fields)


def delete(here: Playlists, asked: OfPlaylist) -> Changed:
    """Delete a playlist for everybody; its owner may undo it."""
    playlist = references.playlist(here, asked.playlist)
    if here.library.owner(playlist) != here.library.identity.public_key:
        raise NotPermitted(
            "only its owner deletes a playlist for everybody: `whatnext playlist leave` forgets it on this device"
        )
    return here.write(playlist, [Write("playlists", "", {"removed": True})], [])


def _set(here: Playlists, playlist: bytes, fields: dict[str, Value]) -> Changed:
    empty: dict[str, Value] = {"description": "", "tags": [], "cover": None, "mode": "free"}
    current = empty | viewing.head(here, playlist).fields
    fresh = {name: value for name, value in fields.items() if current.get(name) != value}
    if not fresh:
        return unchanged(playlist)
    return here.write(playlist, [Write("playlists", "", fresh)], [])
