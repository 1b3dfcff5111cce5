"""WhatNext: playlists that belong to the people who make them."""

__version__ = "0.1.0"
