"""Reading a `whtnxt://` link before anything is done with it: the page shows who and what, and asks."""

from typing import TYPE_CHECKING

import msgspec

from whatnext.node.peer_names import everybody
from whatnext.playlists import links, references
from whatnext.playlists.requests import Request
from whatnext.records.ids import to_text

if TYPE_CHECKING:
    from whatnext.node.node import Node


class ReadLink(Request, frozen=True, kw_only=True):
    """A link as it was clicked or pasted."""

    link: str


class LinkPeer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Somebody named in a link: `name` is what is known here of that peer, `claimed` what only the link says."""

    peer: str
    name: str | None
    claimed: str | None = None


class LinkView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a link asks for (`connect` or `join`), and whose it is; `own` when it is this device's own.

    `known` is whether the playlist is on this device already. `title` is its name, or None: what is known here, else
    what the link claims (`title_claimed`).
    """

    kind: str
    peers: list[LinkPeer]
    addresses: list[str]
    playlist: str | None = None
    title: str | None = None
    title_claimed: bool = False
    known: bool = False
    own: bool = False


async def read(node: "Node", asked: ReadLink) -> LinkView:
    """Read a link; nothing is kept or dialled. Raises `BadLink` with a sentence on what is wrong with it."""
    link = links.parse(asked.link)
    names = everybody(node)
    me = node.network.peer
    if isinstance(link, links.ConnectLink):
        peer = LinkPeer(peer=link.peer, name=names.get(link.peer), claimed=link.name or None)
        return LinkView(kind="connect", peers=[peer], addresses=list(link.addresses), own=link.peer == me)
    known = link.playlist in node.library.playlists()
    title = references.name(node.playlists, link.playlist) if known else ""
    inviter, *others = [LinkPeer(peer=peer, name=names.get(peer)) for peer in link.peers]
    return LinkView(
        kind="join",
        peers=[msgspec.structs.replace(inviter, claimed=link.name or None), *others],
        addresses=list(link.addresses),
        playlist=to_text(link.playlist),
        title=title or link.title or None,
        title_claimed=not title,
        known=known,
        own=link.peers[:1] == (me,),
    )
