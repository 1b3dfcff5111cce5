"""What the operations of local playback ask for and answer."""

import msgspec

from whatnext.playlists.requests import Request


class SetFolder(Request, frozen=True, kw_only=True):
    """Play files of another folder (an absolute path); None or an empty text plays none."""

    folder: str | None


class MusicView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The music folder: how many audio files were found there, and what is wrong with it."""

    folder: str | None
    files: int
    looking: bool
    problem: str | None


class Matches(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Ids of the entries that a file of the music folder holds; `looking`: there may soon be more."""

    playlist: str
    entries: list[str]
    has_folder: bool
    looking: bool
