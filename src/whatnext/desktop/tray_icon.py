"""The app's icon as pixels: the tray is told ARGB, and nothing here can draw icon.svg. The same shapes, by distance."""

from collections.abc import Sequence
from math import hypot

SIZES = (24, 48)
_BLUE, _WHITE = (0x3B, 0x4F, 0x8F), (0xFF, 0xFF, 0xFF)
_SIDE, _ROUND, _STROKE = 32.0, 9.0, 2.6
_LINES = ((8, 11, 19, 11), (8, 16.5, 15, 16.5), (8, 22, 13, 22), (24, 9.5, 24, 19.7))
_DOT = (21.2, 20.6, 3.0)


def pixmaps() -> list[tuple[int, int, bytes]]:
    """(width, height, ARGB32 in network byte order) in two sizes, as StatusNotifierItem wants it."""
    return [(size, size, _drawn(size)) for size in SIZES]


def _drawn(size: int) -> bytes:
    scale = _SIDE / size
    pixels = bytearray()
    for row in range(size):
        for column in range(size):
            x, y = (column + 0.5) * scale, (row + 0.5) * scale
            inside = _cover(_plate(x, y), scale)
            mark = _cover(_mark(x, y), scale)
            colour = [round(a + (b - a) * mark) for a, b in zip(_BLUE, _WHITE, strict=True)]
            pixels += bytes([round(255 * inside), *colour])
    return bytes(pixels)


def _cover(distance: float, scale: float) -> float:
    """How much of a pixel lies inside a shape whose edge is so far away (negative: inside)."""
    return min(1.0, max(0.0, 0.5 - distance / scale))


def _plate(x: float, y: float) -> float:
    half = _SIDE / 2
    dx, dy = abs(x - half) - half + _ROUND, abs(y - half) - half + _ROUND
    return hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - _ROUND


def _mark(x: float, y: float) -> float:
    cx, cy, radius = _DOT
    return min(hypot(x - cx, y - cy) - radius, *(_to_line(x, y, line) - _STROKE / 2 for line in _LINES))


def _to_line(x: float, y: float, line: Sequence[float]) -> float:
    x1, y1, x2, y2 = line
    dx, dy = x2 - x1, y2 - y1
    along = min(1.0, max(0.0, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy)))
    return hypot(x - x1 - along * dx, y - y1 - along * dy)
