"""Who may be connected: before a stranger proved who it is, afterwards, and when there are too many.

The rules are pure: `arrivals` (per address, before the handshake), `places` (per peer, after it), `pruning` (whom to
give up) and `streams` (how many a connection may open). `gate` applies them to the swarm.
"""
