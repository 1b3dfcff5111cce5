"""Everything a user can do with playlists, by name: one list for the local API, the CLI and Python.

`OPERATIONS["playlist.add"].run(playlists, AddTracks(...))` answers with a struct of `views`, or raises an error of
`whatnext.errors`; a change is durable when it returns.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from whatnext.playlists import (
    connecting,
    creating,
    editing,
    history,
    inviting,
    looking_back,
    membership,
    opinions,
    profile,
    requests,
    searching,
    transfer,
    undo,
    unseen,
    viewing,
    views,
)
from whatnext.playlists.service import Playlists


class Operation(NamedTuple):
    """One thing a user can do; `request` and `response` are msgspec types (the response may be a list)."""

    name: str
    summary: str
    request: type[requests.Request]
    response: Any
    run: Callable[[Playlists, Any], Any]


_LISTED = (
    Operation(
        "playlist.create",
        "Begin a playlist that this device owns",
        requests.CreatePlaylist,
        views.PlaylistSummary,
        creating.create,
    ),
    Operation(
        "playlist.list",
        "List the playlists on this device",
        requests.Nothing,
        list[views.PlaylistSummary],
        viewing.list_all,
    ),
    Operation(
        "playlist.show",
        "Show a whole playlist, the same on every device",
        requests.OfPlaylist,
        views.PlaylistView,
        viewing.show,
    ),
    Operation(
        "playlist.rename", "Rename a playlist", requests.RenamePlaylist, views.Changed, creating.rename
    ),
    Operation(
        "playlist.describe",
        "Change a playlist's description",
        requests.DescribePlaylist,
        views.Changed,
        creating.describe,
    ),
    Operation("playlist.tag", "Add and remove tags", requests.TagPlaylist, views.Changed, creating.tag),
    Operation("playlist.set", "Change mode or cover", requests.SetPlaylist, views.Changed, creating.adjust),
    Operation("playlist.add", "Add tracks", requests.AddTracks, views.Changed, editing.add),
    Operation("playlist.edit", "Change fields of a track", requests.EditEntry, views.Changed, editing.edit),
    Operation("playlist.move", "Move tracks", requests.MoveEntries, views.Changed, editing.move),
    Operation("playlist.remove", "Remove tracks", requests.RemoveEntries, views.Changed, editing.remove),
    Operation("playlist.vote", "Vote for or against a track", requests.Vote, views.Changed, opinions.vote),
    Operation(
        "playlist.comment",
        "Comment on a track or the playlist",
        requests.Comment,
        views.Changed,
        opinions.comment,
    ),
    Operation(
        "playlist.uncomment", "Remove a comment", requests.Uncomment, views.Changed, opinions.uncomment
    ),
    Operation(
        "playlist.history",
        "Show who did what, when",
        requests.ShowHistory,
        list[views.HistoryItem],
        history.show,
    ),
    Operation(
        "playlist.past",
        "Show a list as it stood after a change",
        requests.LookBack,
        views.PastView,
        looking_back.show,
    ),
    Operation(
        "playlist.news",
        "Tell what others changed since somebody looked",
        requests.Nothing,
        list[views.News],
        unseen.news,
    ),
    Operation(
        "playlist.seen",
        "Say that a playlist's changes were seen",
        requests.MarkSeen,
        views.Seen,
        unseen.mark_seen,
    ),
    Operation("playlist.undo", "Take back a change", requests.Undo, views.Changed, undo.undo),
    Operation(
        "playlist.search",
        "Search all playlists on this device",
        requests.Search,
        list[views.SearchHit],
        searching.search,
    ),
    Operation(
        "playlist.import",
        "Read a playlist file",
        requests.ImportPlaylist,
        views.ImportReport,
        transfer.import_,
    ),
    Operation(
        "playlist.export",
        "Write a playlist as a file",
        requests.ExportPlaylist,
        views.Export,
        transfer.export,
    ),
    Operation(
        "playlist.delete",
        "Delete a playlist for everybody (owner)",
        requests.OfPlaylist,
        views.Changed,
        creating.delete,
    ),
    Operation(
        "playlist.leave",
        "Leave a playlist and forget it here",
        requests.OfPlaylist,
        views.Changed,
        membership.leave,
    ),
    Operation(
        "invite.create",
        "Make an invite link (owner)",
        requests.CreateInvite,
        views.InviteView,
        inviting.create,
    ),
    Operation(
        "invite.list",
        "List a playlist's invites",
        requests.OfPlaylist,
        list[views.InviteView],
        inviting.list_all,
    ),
    Operation(
        "invite.revoke",
        "Let nobody else in by an invite (owner)",
        requests.RevokeInvite,
        views.Changed,
        inviting.revoke,
    ),
    Operation("join", "Join a playlist by its invite link", requests.Join, views.Joined, inviting.join),
    Operation(
        "members.list",
        "List a playlist's members",
        requests.OfPlaylist,
        list[views.MemberView],
        membership.list_all,
    ),
    Operation(
        "members.role",
        "Give a member another role (owner)",
        requests.ChangeRole,
        views.Changed,
        membership.change_role,
    ),
    Operation(
        "members.remove", "Remove a member (owner)", requests.RemoveMember, views.Changed, membership.remove
    ),
    Operation(
        "profile.show",
        "Show this device's id, name and profile",
        requests.Nothing,
        views.ProfileView,
        profile.show,
    ),
    Operation(
        "profile.name", "Choose the name members see", requests.SetProfile, views.ProfileView, profile.rename
    ),
    Operation(
        "profile.link",
        "Make this device's connect link",
        requests.Nothing,
        views.DeviceLink,
        connecting.own_link,
    ),
    Operation(
        "peers.remember",
        "Keep the addresses of a connect link",
        requests.RememberPeer,
        views.Remembered,
        connecting.remember,
    ),
    Operation(
        "backup.create",
        "Copy the database and the device key",
        requests.CreateBackup,
        views.BackupMade,
        profile.back_up,
    ),
)

OPERATIONS: Mapping[str, Operation] = MappingProxyType({each.name: each for each in _LISTED})
