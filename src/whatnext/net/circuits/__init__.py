"""The client of Circuit Relay v2: reservations at relays, connections through them, both kept honest.

https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md
"""
