"""The node: the composition root that runs identity, library, sync and network in one process, and its local API."""
