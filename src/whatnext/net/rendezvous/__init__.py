"""Rendezvous: peers leave word at a meeting point where they are; whoever knows a PeerID asks there.

https://github.com/libp2p/specs/tree/master/rendezvous, with signed peer records. py-libp2p 0.8.1 speaks an older
form of it, in which the meeting point may send anybody anywhere (`tests/net/test_canaries_finding.py`).
"""
