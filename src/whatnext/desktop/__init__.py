"""The main process on a desktop: one per profile; keeps a node alive, shows its pages, takes `whtnxt://` links.

It owns no data and speaks no libp2p: it is a client of the node's local API, like every other program.
"""
