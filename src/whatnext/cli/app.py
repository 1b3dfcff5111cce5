"""The tree of commands."""

import sys
from collections.abc import Callable
from typing import Any, Literal

from cyclopts import App, Parameter

from whatnext import __version__
from whatnext.cli.commands import (
    blocking,
    doctor,
    files,
    links,
    log,
    music,
    network,
    node,
    notifications,
    opening,
    other,
    peer,
    peers,
    playlists,
    presence,
    profile,
    relay_server,
    relays,
    sharing,
    tracks,
)

EVERYWHERE = (
    "Everywhere: --profile DIR (or WHATNEXT_PROFILE) takes another profile; --json prints the answer as one JSON"
    " document. Exit codes and variables: docs/cli.md"
)


def build_app() -> App:
    """All commands; each takes the run's `Context` as `context`."""
    app = App(
        name="whatnext",
        help="Playlists that belong to the people who make them: shared directly, without server or account.",
        help_epilogue=EVERYWHERE,
        help_format="plaintext",
        help_formatter=_help_style(),
        version=__version__,
        default_parameter=Parameter(negative=()),
    )
    _add_node(app)
    app.command(network.status)
    app.command(profile.id_, name="id")
    app.command(_playlist_app())
    app.command(music.music)
    app.command(presence.presence)
    app.command(notifications.notifications)
    _add_sharing(app)
    for command in (network.connect, network.disconnect, network.discover, network.ping):
        app.command(command)
    app.command(_peers_app())
    backup = App(name="backup", help="Copy everything this device has, and put it back.")
    backup.command(profile.backup_create, name="create")
    backup.command(profile.backup_restore, name="restore")
    app.command(backup)
    app.command(_relay_app())
    app.command(doctor.doctor)
    app.command(log.log)
    app.command(_links_app())
    app.command(other.completion)
    app.command(other.bench, help_flags=[], version_flags=[])
    return app


def _add_node(app: App) -> None:
    group = App(name="node", help="Run the node: sync with friends, serve the local API.")
    group.default(node.run)
    group.command(node.stop)
    app.command(group)


def _peers_app() -> App:
    group = App(name="peers", help="The peers this device knows; alone: list them.")
    group.default(peers.peers)
    group.command(peers.peers, name="list")
    group.command(peer.show)
    for command in (blocking.block, blocking.unblock, blocking.forget):
        group.command(command)
    return group


def _playlist_app() -> App:
    group = App(name="playlist", help="Everything about playlists and their tracks.")
    named: dict[str, Callable[..., Any]] = {
        "create": playlists.create,
        "list": playlists.list_,
        "show": playlists.show,
        "rename": playlists.rename,
        "describe": playlists.describe,
        "tag": playlists.tag,
        "set": playlists.set_,
        "add": tracks.add,
        "edit": tracks.edit,
        "move": tracks.move,
        "remove": tracks.remove,
        "vote": tracks.vote,
        "comment": tracks.comment,
        "uncomment": tracks.uncomment,
        "history": playlists.history,
        "undo": playlists.undo,
        "search": playlists.search,
        "import": files.import_,
        "export": files.export,
        "delete": playlists.delete,
        "leave": playlists.leave,
    }
    for name, command in named.items():
        group.command(command, name=name)
    return group


def _add_sharing(app: App) -> None:
    invite = App(name="invite", help="Make an invite link, list the links, revoke one.")
    invite.default(sharing.invite)
    invite.command(sharing.invite, name="create")
    invite.command(sharing.invite_list, name="list")
    invite.command(sharing.invite_revoke, name="revoke")
    app.command(invite)
    app.command(sharing.join)
    app.command(opening.open_, name="open")
    members = App(name="members", help="Who is in a playlist; give roles, remove members.")
    members.default(sharing.members)
    members.command(sharing.members, name="list")
    members.command(sharing.members_role, name="role")
    members.command(sharing.members_remove, name="remove")
    app.command(members)


def _links_app() -> App:
    group = App(name="links", help="What a click on a whtnxt:// link opens.")
    group.command(links.register)
    group.command(links.unregister)
    group.command(links.status)
    return group


def _relay_app() -> App:
    group = App(
        name="relay", help="Run a relay server for devices that cannot meet directly, and look at one."
    )
    group.default(relay_server.run)
    group.command(relay_server.status)
    group.command(relay_server.check)
    group.command(relay_server.backup)
    group.command(relays.add)
    group.command(relays.list_, name="list")
    group.command(relays.remove)
    return group


def _help_style() -> Literal["default", "plain"]:
    return "default" if sys.stdout.isatty() else "plain"
