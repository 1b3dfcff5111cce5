"""Peers on the same network, found without a server: libp2p's mDNS on python-zeroconf.

https://github.com/libp2p/specs/blob/master/discovery/mdns.md. Importing this is quick; zeroconf is loaded, in its own
thread, when discovery opens.
"""

from whatnext.net.mdns.discovery import Mdns, open_mdns
from whatnext.net.mdns.roster import Neighbour, Roster, State
from whatnext.net.mdns.sightings import Event, Found, Lost, Quiet

__all__ = ["Event", "Found", "Lost", "Mdns", "Neighbour", "Quiet", "Roster", "State", "open_mdns"]
