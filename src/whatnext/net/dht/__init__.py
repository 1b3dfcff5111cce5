"""The WhatNext DHT: finding a peer's signed record by its PeerID, among WhatNext's own nodes.

Kademlia as libp2p has it, https://github.com/libp2p/specs/tree/master/kad-dht, FIND_NODE only, under a protocol id of
its own. Why not py-libp2p's: docs/decisions/adr-261122-own-dht.md.
"""
