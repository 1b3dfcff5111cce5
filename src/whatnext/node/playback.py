"""Operations of local playback, and the file behind `/play/<playlist>/<entry>`."""

from pathlib import Path
from typing import TYPE_CHECKING

import trio

from whatnext.errors import NotFound
from whatnext.node.playback_views import Matches, MusicView, SetFolder
from whatnext.playback import music
from whatnext.playback.matching import Facts, Index
from whatnext.playlists import references
from whatnext.playlists.requests import Nothing, OfPlaylist
from whatnext.playlists.values import choice_of, number_of, text_of, texts_of
from whatnext.records import ids
from whatnext.records.merge import Document

if TYPE_CHECKING:
    from whatnext.node.node import Node


async def show(node: "Node", _: Nothing) -> MusicView:
    """The folder and what was found in it."""
    here = node.music
    return MusicView(
        folder=None if here.folder is None else str(here.folder),
        files=len(here.index.files),
        looking=here.looking,
        problem=here.problem,
    )


async def choose(node: "Node", asked: SetFolder) -> MusicView:
    """Take a folder; its files are looked at soon, an event `music` tells when that is done."""
    chosen = music.checked(asked.folder)
    node.settings.play_from(None if chosen is None else str(chosen))
    node.music.take(chosen)
    return await show(node, Nothing())


async def matches(node: "Node", asked: OfPlaylist) -> Matches:
    """What of a playlist can be played here; the folder is looked at again if that was not done lately."""
    playlist = references.playlist(node.playlists, asked.playlist)
    node.music.refresh()
    index = node.music.index
    wanted = _wanted(node, playlist) if index.files else []
    entries = await trio.to_thread.run_sync(_found, index, wanted)
    return Matches(
        playlist=ids.to_text(playlist),
        entries=entries,
        has_folder=node.music.folder is not None,
        looking=node.music.looking,
    )


def locate(node: "Node", playlist: str, entry: str) -> tuple[Path, str]:
    """The music folder and, in it, the path of an entry's file; raises `NotFound`.

    The names only choose an entry, and the entry chooses a file that was listed: no path comes from a request.
    """
    absent = NotFound("there is no such track on this device")
    if ids.playlist_from_text(playlist) is None or not ids.is_entry_id(entry):
        raise absent
    document = node.library.documents.get(references.playlist(node.playlists, playlist), ("entries", entry))
    if document is None or not references.is_listed(document):
        raise absent
    found = node.music.index.find(_facts(document))
    if found is None or node.music.folder is None:
        raise NotFound("no file in the music folder is this track")
    return node.music.folder, found.path


def _wanted(node: "Node", playlist: bytes) -> list[tuple[str, Facts]]:
    stored = node.library.documents.in_playlist(playlist, "entries")
    return [(each.id, _facts(each.document)) for each in stored if references.is_listed(each.document)]


def _facts(document: Document) -> Facts:
    return Facts(
        title=text_of(document, "title"),
        artists=tuple(texts_of(document, "artists")),
        duration_ms=number_of(document, "durationMs"),
        isrc=choice_of(document, "isrc"),
        mbid=choice_of(document, "mbid"),
    )


def _found(index: Index, wanted: list[tuple[str, Facts]]) -> list[str]:
    return [entry for entry, facts in wanted if index.find(facts) is not None]
