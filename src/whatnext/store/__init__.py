"""SQLite: records, documents, the change feed, and what this device knows of peers."""

from whatnext.store.library import Change, Library, Receipt

__all__ = ["Change", "Library", "Receipt"]
