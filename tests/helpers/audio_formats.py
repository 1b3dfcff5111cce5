"""Silence in the formats that people have, made here byte by byte: nobody's recording, and no encoder is needed."""

import struct
from collections.abc import Iterator
from pathlib import Path

MP3_FRAME_S = 1152 / 44100
FLAC_BLOCK = 4096
OPUS_PACKET_S = 0.02


def mp3(seconds: float) -> bytes:
    """MPEG 1 layer III, 128 kbit/s: frames whose side information says that nothing follows."""
    return (b"\xff\xfb\x90\x64" + bytes(413)) * round(seconds / MP3_FRAME_S)


def flac(seconds: float) -> bytes:
    """16 bits, mono, 44,100 a second: blocks of one constant (RFC 9639)."""
    blocks = round(seconds * 44100 / FLAC_BLOCK)
    rate_and_length = (44100 << 44) | (15 << 36) | (blocks * FLAC_BLOCK)
    info = (
        struct.pack(">HH", FLAC_BLOCK, FLAC_BLOCK) + bytes(6) + rate_and_length.to_bytes(8, "big") + bytes(16)
    )
    head = b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info
    return head + b"".join(_flac_block(number) for number in range(blocks))


def opus(seconds: float) -> bytes:
    """Ogg with Opus packets of 20 ms (RFC 7845), fifty of them on a page."""
    pages = [
        _page([b"OpusHead\x01\x01" + struct.pack("<HIhB", 0, 48000, 0, 0)], 0, 0, 2),
        _page([b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)], 1, 0, 0),
    ]
    packets = round(seconds / OPUS_PACKET_S)
    for begin in range(0, packets, 50):
        end = min(begin + 50, packets)
        pages.append(
            _page([b"\xf8\xff\xfe"] * (end - begin), len(pages), end * 960, 4 if end == packets else 0)
        )
    return b"".join(pages)


def write(path: Path, title: str, artist: str, seconds: float, **more: str) -> Path:
    """A tagged file of the format that its name says; `more` are tags by Vorbis' names."""
    import mutagen

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes({".mp3": mp3, ".flac": flac, ".opus": opus}[path.suffix](seconds))
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    file.tags.update({"title": title, "artist": artist, **more})
    file.save()
    return path


def _flac_block(number: int) -> bytes:
    head = b"\xff\xf8\xc9\x08" + chr(number).encode()  # numbers are written as UTF-8 writes characters
    head += bytes([_crc(head, 8, 0x07)])
    block = head + b"\x00\x00\x00"
    return block + _crc(block, 16, 0x8005).to_bytes(2, "big")


def _page(packets: list[bytes], number: int, granule: int, flags: int) -> bytes:
    sizes = bytes(len(packet) for packet in packets)
    head = b"OggS\x00" + struct.pack("<BqIII", flags, granule, 1, number, 0) + bytes([len(sizes)]) + sizes
    page = head + b"".join(packets)
    return page[:22] + struct.pack("<I", _crc(page, 32, 0x04C11DB7)) + page[26:]


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    return next(reversed(list(_crcs(data, bits, polynomial))))


def _crcs(data: bytes, bits: int, polynomial: int) -> Iterator[int]:
    value, top, mask = 0, 1 << (bits - 1), (1 << bits) - 1
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = ((value << 1) ^ polynomial if value & top else value << 1) & mask
        yield value
