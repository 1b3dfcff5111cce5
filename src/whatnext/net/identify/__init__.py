"""libp2p's identify: what this node tells of itself, what it believes of others, and where they see it.

https://github.com/libp2p/specs/blob/master/identify/README.md. Our own, because that of py-libp2p 0.8.1 tells host-less
circuit addresses (js-libp2p then never finishes) and mangles the circuit addresses of this node.
"""
