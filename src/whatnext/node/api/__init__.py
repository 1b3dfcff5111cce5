"""The local API: commands over HTTP and events as they happen, on loopback, for the CLI, the desktop and the web UI.

A plain ASGI application, served in the loop of the libp2p host.
"""
