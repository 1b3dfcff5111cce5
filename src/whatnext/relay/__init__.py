"""`whatnext relay`: the server that carries connections between devices which cannot reach each other directly.

Circuit Relay v2 (https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md), a meeting point for finding peers,
and dial-back. It sees who talks to whom and how much, never what: every connection is Noise from end to end.
"""
