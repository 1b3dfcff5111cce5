"""What the operations about who listens to what ask for and answer."""

import msgspec

from whatnext.playlists.requests import Request


class SetPresence(Request, frozen=True, kw_only=True):
    """Tell the members of a playlist which entry is played here; without an entry: nothing any more.

    It holds for 90 seconds: whoever plays on says it again every 30.
    """

    playlist: str | None = None
    entry: str | None = None


class Share(Request, frozen=True, kw_only=True):
    """Whether to tell members what is played here from now on; kept in the profile."""

    on: bool


class Telling(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether members are told what is played here (`on`, as long as the user did not say otherwise)."""

    on: bool


class PresenceView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member listens to an entry of a playlist."""

    peer: str
    playlist: str
    entry: str
