"""Asking the router at home to forward our ports (UPnP), where it offers that."""
