"""Prints the JSON schemas of the collections, as `clients/js` keeps them: `python -m whatnext.rxdb.schemas`."""

import sys

import msgspec

from whatnext.rxdb.collections import COLLECTIONS, rx_schema


def schemas() -> bytes:
    """All schemas by collection, as formatted JSON."""
    made = {name: rx_schema(collection) for name, collection in COLLECTIONS.items()}
    return msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.write(schemas().decode())
