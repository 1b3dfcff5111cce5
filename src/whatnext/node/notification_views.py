"""What the operations behind notifications ask for and answer."""

from typing import Literal

import msgspec

from whatnext.playlists.requests import Request

Kind = Literal["joined", "added"]


class Glance(Request, frozen=True, kw_only=True):
    """Ask what members did since the answer whose `upto` this was; without `after` only where things stand."""

    after: int | None = None


class Deed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A member joined a playlist (`count` is 1), or added so many tracks to it; `name` is what it calls itself."""

    playlist: str
    playlist_name: str
    peer: str
    name: str | None
    kind: Kind
    count: int


class GlanceView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The newest deeds, oldest first, from record `after` up to `upto`; with `more` there are further ones.

    `around`: members of shared playlists that are connected now. `watched`: somebody looks at a page. `notify`: whether
    the user wants to be told.
    """

    upto: int
    more: bool
    deeds: list[Deed]
    around: int
    watched: bool
    notify: bool


class SetNotifications(Request, frozen=True, kw_only=True):
    """Let the desktop tell what friends did, or not."""

    on: bool


class NotificationsView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether the desktop tells what friends did."""

    on: bool
