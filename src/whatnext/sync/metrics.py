"""Counters of one link, or of all links since the start."""

import msgspec


class Traffic(msgspec.Struct):
    """Bytes, frames and records each way; `_in` is what the peer sent us."""

    bytes_in: int = 0
    bytes_out: int = 0
    frames_in: int = 0
    frames_out: int = 0
    records_in: int = 0
    """Records that counted here."""
    records_out: int = 0
    """Records sent, whatever came of them."""
    duplicates_in: int = 0
    refused_in: int = 0
    """Records we refused."""
    refused_out: int = 0
    """Records the peer refused."""

    def add(self, other: "Traffic") -> None:
        """Add another link's counters."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
