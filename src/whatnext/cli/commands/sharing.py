"""Sharing: invite, join, and who is a member."""

from typing import Annotated, Literal

from cyclopts import Parameter

from whatnext.cli.arguments import AsQr, ForceQr, Given, PeerRef, PlaylistRef, QrFile
from whatnext.cli.commands.files import check_free
from whatnext.cli.commands.playlists import change
from whatnext.cli.commands.profile import as_picture
from whatnext.cli.context import Context
from whatnext.cli.tables import print_table
from whatnext.cli.words import moment, period_s, short, short_peer
from whatnext.playlists import requests
from whatnext.playlists.views import InviteView, Joined, MemberView

Role = Literal["editor", "viewer"]


def invite(
    playlist: PlaylistRef,
    *,
    role: Annotated[Role, Parameter(help="What whoever joins by it may do.")] = "editor",
    expires: Annotated[str, Parameter(help="How long it is good for: 30m, 12h, 7d, or never.")] = "7d",
    peer: Annotated[
        list[str] | None, Parameter(help="A further member to join through; repeat for several.")
    ] = None,
    qr: AsQr = False,
    qr_file: QrFile = None,
    force: ForceQr = False,
    context: Given,
) -> None:
    """Make an invite link. Whoever has the link, or its QR code, can join, so send it privately."""
    if qr_file is not None:
        check_free(qr_file, force=force)  # before an invite is made that nobody gets to see
    request = requests.CreateInvite(
        playlist=playlist, role=role, expires_in_s=period_s(expires), peers=peer or []
    )
    made = context.ask("invite.create", request, InviteView)
    if not context.show(made):
        context.print(made.link or "")
        _explain(made, context)
    as_picture(made.link or "", context, shown=qr, file=qr_file)


def _explain(made: InviteView, context: Context) -> None:
    until = f"until {moment(made.expires_at)}" if made.expires_at is not None else "until it is revoked"
    context.say(f"Good for any number of friends as {made.role} {until}. They run: whatnext join LINK")
    if "addr=" not in (made.link or ""):
        context.say(
            "It names no address, as no node runs here: start one with `whatnext node`, then invite again."
        )


def invite_list(playlist: PlaylistRef, *, context: Given) -> None:
    """List the invites of a playlist and who came by each."""
    found = context.ask("invite.list", requests.OfPlaylist(playlist=playlist), list[InviteView])
    if context.show(found):
        return
    rows = [
        (
            short(i.id),
            i.role,
            "revoked" if i.revoked else moment(i.expires_at) or "never",
            ", ".join(map(short_peer, i.used_by)),
        )
        for i in found
    ]
    print_table(("INVITE", "ROLE", "ENDS", "USED BY"), rows)


def invite_revoke(
    playlist: PlaylistRef,
    invite: Annotated[str, Parameter(help="The invite's id, or its beginning.")],
    *,
    context: Given,
) -> None:
    """Let nobody else in by an invite; those who came by it stay."""
    change(context, "invite.revoke", requests.RevokeInvite(playlist=playlist, invite=invite), "Revoked")


def join(
    link: Annotated[str, Parameter(help="The invite link: whtnxt://join/…")],
    *,
    name: Annotated[str | None, Parameter(help="The name that the others see.")] = None,
    context: Given,
) -> None:
    """Join the playlist of an invite link."""
    joined = context.ask("join", requests.Join(link=link, name=name), Joined)
    if context.show(joined):
        return
    context.print(joined.playlist)
    if joined.state == "here":
        context.say(f"You are in. Look: whatnext playlist show {short(joined.playlist)}")
    elif context.backend.is_node:
        context.say("Joining: it arrives as soon as a member is reached. Look: whatnext status")
    else:
        context.say("Noted. It arrives when a member is reached: start `whatnext node`.")


def members(playlist: PlaylistRef, *, context: Given) -> None:
    """List the members of a playlist."""
    found = context.ask("members.list", requests.OfPlaylist(playlist=playlist), list[MemberView])
    if context.show(found):
        return
    rows = [(m.name or "", "left" if m.left else m.role, m.peer) for m in found]
    print_table(("NAME", "ROLE", "PEER"), rows)


def members_role(
    playlist: PlaylistRef,
    peer: PeerRef,
    role: Annotated[Role, Parameter(help="The new role.")],
    *,
    context: Given,
) -> None:
    """Give a member another role; only the owner can."""
    request = requests.ChangeRole(playlist=playlist, peer=peer.lstrip("…"), role=role)
    change(context, "members.role", request, "Changed")


def members_remove(playlist: PlaylistRef, peer: PeerRef, *, context: Given) -> None:
    """Remove a member; only the owner can.

    It keeps its copy, and gets and gives no further changes.
    """
    request = requests.RemoveMember(playlist=playlist, peer=peer.lstrip("…"))
    change(context, "members.remove", request, "Removed")
