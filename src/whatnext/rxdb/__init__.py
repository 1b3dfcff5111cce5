"""RxDB's replication, with this node as the master; `README.md` is its specification. Knows no socket and no libp2p."""
