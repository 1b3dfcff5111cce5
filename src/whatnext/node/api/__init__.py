"""The local API: commands over HTTP and events as they happen, on loopback, for the CLI, the desktop and the web UI.

Plain ASGI under Hypercorn's trio worker, in the loop of the libp2p host.
"""
