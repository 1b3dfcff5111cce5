"""Versions of the sync protocol, newest first.

The network layer negotiates them (multistream-select) and says who should update when two peers share none.
"""

PROTOCOLS = ("/whatnext/sync/1.0.0",)
