"""Links that connect two devices: this one's own, and keeping what another's says until a node runs."""

from whatnext.errors import UserError
from whatnext.playlists import links
from whatnext.playlists.requests import Nothing, RememberPeer
from whatnext.playlists.service import Playlists
from whatnext.playlists.views import DeviceLink, Remembered
from whatnext.store.peers import AddressBook


def own_link(here: Playlists, _: Nothing) -> DeviceLink:
    """Where this device can be reached; without addresses while no node runs."""
    link = links.ConnectLink(
        peer=here.me,
        addresses=links.usable(here.addresses(), here.me),
        relays=links.usable_relays(here.relays()),
        name=links.brief(here.settings.name),
    )
    return DeviceLink(peer=here.me, link=str(link), addresses=list(link.addresses))


def remember(here: Playlists, asked: RememberPeer) -> Remembered:
    """Keep a link's addresses behind those that worked before; its name is not kept, as nobody signed it."""
    link = links.parse(asked.link)
    if not isinstance(link, links.ConnectLink):
        raise UserError("this link invites to a playlist: use `whatnext join`")
    if link.peer == here.me:
        raise UserError("this link is this device's own: send it to somebody else")
    addresses = [address.removesuffix(f"/p2p/{link.peer}") for address in link.addresses]
    addresses += links.circuits(link)
    AddressBook(here.library.database, here.library.clock.now_ms).note(link.peer, addresses)
    return Remembered(peer=link.peer, addresses=addresses)
