"""From a relayed connection to a direct one: DCUtR, hole punching over TCP.

https://github.com/libp2p/specs/blob/master/relay/DCUtR.md
"""
