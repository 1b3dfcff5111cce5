"""Letting others in, and being let in: invites, their links, joining."""

from whatnext import identity
from whatnext.errors import NotPermitted, UserError
from whatnext.playlists import links, references, values
from whatnext.playlists.membership import keep_role, require_owner
from whatnext.playlists.requests import CreateInvite, Join, OfPlaylist, RevokeInvite
from whatnext.playlists.service import Playlists, unchanged
from whatnext.playlists.views import Changed, InviteView, Joined
from whatnext.records import ids, schema
from whatnext.records.codec import Write
from whatnext.records.governance import is_member
from whatnext.records.invites import InviteKey
from whatnext.records.merge import Document
from whatnext.records.permissions import OWNER
from whatnext.records.schema import Value
from whatnext.store.joining import invite_refusal

_MAX_EXPIRY_S = 100 * 365 * 24 * 3600
_SEED_BYTES = 32


def create(here: Playlists, asked: CreateInvite) -> InviteView:
    """Make an invite; the answer's link is the only place where its secret stands."""
    playlist = references.playlist(here, asked.playlist)
    require_owner(here, playlist, "invites others")
    if asked.expires_in_s is not None and not 1 <= asked.expires_in_s <= _MAX_EXPIRY_S:
        raise UserError("an invite expires in at least a second and at most a hundred years, or never")
    peers = [here.me, *(references.peer(here, playlist, each) for each in asked.peers)]
    key = InviteKey(here.rng.randbytes(_SEED_BYTES))
    fields: dict[str, Value] = {"role": asked.role}
    if asked.expires_in_s is not None:
        fields["expiresAt"] = here.library.clock.now_ms() + asked.expires_in_s * 1000
    named = tuple(dict.fromkeys(peers))[: links.MAX_EACH]
    addresses = links.usable(here.addresses(), here.me)
    if len(named) > 1:  # with several peers in the link each address must say whose it is
        addresses = tuple(f"{address}/p2p/{here.me}" for address in addresses)
    link = links.JoinLink(
        playlist=playlist,
        secret=key.secret_text,
        peers=named,
        addresses=addresses,
        relays=links.usable_relays(here.relays()),
        name=links.brief(here.settings.name),
        title=links.brief(references.name(here, playlist)),
    )
    here.write(playlist, [Write("invites", key.id, fields)], [key.id])
    return _view(here, playlist, key.id, str(link))


def list_all(here: Playlists, asked: OfPlaylist) -> list[InviteView]:
    """The invites of a playlist, revoked and expired ones included."""
    playlist = references.playlist(here, asked.playlist)
    return [_view(here, playlist, invite) for invite in sorted(here.library.governance(playlist).invites)]


def revoke(here: Playlists, asked: RevokeInvite) -> Changed:
    """Let nobody else in by an invite; those who came by it until now stay, by name."""
    playlist = references.playlist(here, asked.playlist)
    require_owner(here, playlist, "revokes invites")
    governance = here.library.governance(playlist)
    invite = references.invite(here, playlist, asked.invite)
    if governance.invites[invite].fields.get("revoked") is True:
        return unchanged(playlist, "this invite was revoked before")
    came = sorted(identity.peer_id(peer) for peer in governance.admitted_through(invite))
    # A record names at most so many; the others get the owner's word, which outranks any invite.
    named, surplus = came[: schema.MAX_LIST], came[schema.MAX_LIST :]
    writes = [Write("invites", invite, {"revoked": True, "standing": list(named)})]
    writes += [write for peer in surplus for write in keep_role(here, playlist, peer)]
    return here.write(playlist, writes, [invite])


def join(here: Playlists, asked: Join) -> Joined:
    """Begin to join by a link, online or not: the admission waits here until a member lets this device in."""
    link = links.parse(asked.link)
    if not isinstance(link, links.JoinLink):
        raise UserError("this link connects two devices, it is no invite: use `whatnext connect`")
    if asked.name is not None:
        here.settings.rename(values.line(asked.name, "the name", needed=True), here.settings.colour)
    playlist, key = link.playlist, InviteKey.from_text(link.secret)
    again = (playlist, str(link)) in here.library.links_to_join()
    if not again:
        _check_welcome(here, playlist, key.id)
        proof = key.prove(playlist, here.library.identity.public_key)
        fields: dict[str, Value] = {"invite": key.id, "proof": proof}
        if here.library.governance(playlist).has_left(here.library.identity.public_key):
            fields["left"] = False
        here.library.admit_self(playlist, Write("members", here.me, fields), str(link))
    state = "joining" if here.library.owner(playlist) is None else "here"
    return Joined(
        playlist=ids.to_text(playlist), state=state, peers=list(link.peers), addresses=list(link.addresses)
    )


def _check_welcome(here: Playlists, playlist: bytes, invite: str) -> None:
    """Refuse what cannot succeed by what is known here already."""
    governance = here.library.governance(playlist)
    own = here.library.identity.public_key
    standing = governance.standing(own)
    if governance.owner is None:
        return
    if standing == OWNER:
        raise UserError("this is an invite to your own playlist: send the link to somebody else")
    if standing == schema.REMOVED:
        raise NotPermitted("the owner removed this device from the playlist: ask the owner to take it back")
    known = governance.invites.get(invite, Document())
    is_here = playlist in here.library.playlists() and not governance.has_left(own)
    if (
        is_here
        and is_member(standing)
        and not (standing == "viewer" and known.fields.get("role") == "editor")
    ):
        raise UserError(f"this device is in the playlist already, as {standing}")
    refusal = invite_refusal(known, here.me, here.library.clock.now_ms())
    if refusal is not None:
        raise NotPermitted(
            f"the invite {'has expired' if refusal == 'expired' else 'was revoked'}: ask for a new one"
        )


def _view(here: Playlists, playlist: bytes, invite: str, link: str | None = None) -> InviteView:
    governance = here.library.governance(playlist)
    document = governance.invites[invite]
    return InviteView(
        id=invite,
        playlist=ids.to_text(playlist),
        role=values.text_of(document, "role"),
        expires_at=values.number_of(document, "expiresAt"),
        revoked=document.fields.get("revoked") is True,
        used_by=sorted(identity.peer_id(peer) for peer in governance.admitted_through(invite)),
        link=link,
    )
