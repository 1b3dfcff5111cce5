"""Where an entry stands in its list: short ASCII keys that sort bytewise, made between two neighbours.

A key is a base-62 fraction ("0-9A-Za-z", most significant digit first, 1 to 128 bytes) not ending in "0":
between any two such keys lies another. Keys made at the ends of a list begin with an integer whose first
letter says its length ("a0" … "az", "b00" … "bzz", …; "Zz" … "Z0", "Yzz" … below them), so that appending and
prepending step by one and keys grow with the logarithm of the list: the scheme of D. Greenspan's
"Implementing fractional indexing" and Rocicorp's `fractional-indexing`. Unlike theirs, the digits below the
integer are random.

The integer is only a habit of those who make keys, not a rule for those who read them: a key from elsewhere
that has none, or an absurd one, still sorts, and there stepping gives way to splitting the gap.
"""

from collections.abc import Sequence
from typing import Protocol

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MAX_BYTES = 128
LONG_BYTES = 64
"""A longer key should be made short again (`needs_rebalance`)."""

_BASE = len(ALPHABET)
_DIGIT = {character: value for value, character in enumerate(ALPHABET)}
_HEADERS = ALPHABET[10:]
_FIRST = "a0"
_CHOICES = 2**24  # two devices at one place make the same key at most once in 16 million; costs 5 digits
_RUN_CHOICES = 2**35  # see run(); costs 6 digits
_ROOM = 8  # free counters between two keys of one run, at least

# What a rebalance aims at: 45 bytes for one key, 3 fewer each time the window doubles, down to 16. With one
# goal (24) for every window each rebalance swallowed all before it: 10,000 inserts into one gap moved 130,000
# entries. With these numbers 18,000 (seven other settings: 19,000 to 27,000).
_GOAL_BYTES, _GOAL_SLOPE, _GOAL_LEAST = 48, 3, 16


class Rng(Protocol):
    """The randomness that comes in from outside: a `random.Random` will do."""

    def randrange(self, start: int, stop: int, /) -> int:
        """Return an integer, `start` ≤ integer < `stop`, each as likely."""
        ...


class NoRoom(ValueError):
    """Every key between these two would pass `MAX_BYTES`: `rebalance` (or `place`) first."""


def is_valid(key: str) -> bool:
    """Whether a position, perhaps from a hostile peer, is one: alphabet, 1–128 bytes, not ending in "0"."""
    return 0 < len(key) <= MAX_BYTES and not key.endswith("0") and all(c in _DIGIT for c in key)


def between(before: str | None, after: str | None, rng: Rng) -> str:
    """Return a new key strictly between two neighbours; None is an end of the list.

    At an end it steps: 7 to 9 bytes for the first 240,000 appends. In a gap it is picked at random among the
    shortest keys that leave 16 million choices, so two devices at one place almost surely differ.
    Two peers may have made equal keys, or odd ones: when `before` ≥ `after` the result is `before` with
    digits behind it, which sorts right after `before` and below every greater key that does not extend it.
    Raises `ValueError` for an invalid key and `NoRoom` when the result would pass `MAX_BYTES`.
    """
    low, high, width = _gap(*_edges(before, after), _CHOICES)
    return _text(_no_final_zero(rng.randrange(low + 1, high - 1)), width)


def run(before: str | None, after: str | None, count: int, rng: Rng) -> list[str]:
    """Return `count` ascending keys between two neighbours for one bulk insert, which stays whole.

    All are one random prefix followed by evenly spaced counters of one width. Everything that begins with
    the prefix lies in the gap, and a foreign key sorts among the run only if it begins with that too. Two
    runs thus interleave only if one prefix begins with the other; each is drawn from at least 2**35 of one
    length: whatever the other is, the chance is at most 2 · 2**-35 = 6e-11. The same holds for single keys
    and for runs made between other neighbours by devices that have not seen all of the list.
    Odd neighbours and errors are as in `between`; a negative `count` is a `ValueError`.
    """
    if count < 0:
        raise ValueError(f"cannot make {count} positions")
    low, high, width = _gap(*_edges(before, after), _RUN_CHOICES)
    prefix = _text(rng.randrange(low + 1, high), width)
    digits = 1
    while _BASE**digits < (count + 1) * _ROOM:
        digits += 1
    if width + digits > MAX_BYTES:
        raise NoRoom(f"{count} keys here would pass {MAX_BYTES} bytes: rebalance the list first")
    step = _BASE**digits // (count + 1)
    return [prefix + _text(_no_final_zero(step * number), digits) for number in range(1, count + 1)]


def needs_rebalance(key: str) -> bool:
    """Whether a key has grown past `LONG_BYTES`."""
    return len(key) > LONG_BYTES


def rebalance(keys: Sequence[str], index: int, rng: Rng) -> dict[int, str]:
    """Return {index: new key} for a small window around `index` that makes its keys short again, order kept.

    `keys` are those of the whole list in its order (equal or disordered ones are put right where the window
    meets them). The window grows past whichever boundary key is longer until re-spacing it between the two
    keys that stay takes at most 45 bytes for one key, less for more (`_goal`); the whole list always will do.
    It can hold thousands of entries: split the writes over records. Raises `IndexError` for an index outside
    the list.
    """
    if not 0 <= index < len(keys):
        raise IndexError(f"no entry {index} in a list of {len(keys)}")
    return _respace(keys, index, index + 1, rng)


def place(keys: Sequence[str], index: int, count: int, rng: Rng) -> tuple[list[str], dict[int, str]]:
    """Return keys for `count` entries to stand before `keys[index]`, and {index: new key} of entries to move.

    `keys` are those of the whole list in its order; `index` = `len(keys)` appends. The second part is empty
    but for a gap that is closed (equal keys) or whose keys have grown too long; the moves belong to the same
    change. Raises `IndexError` for an index outside the list.
    """
    if not 0 <= index <= len(keys):
        raise IndexError(f"no place {index} in a list of {len(keys)}")
    before, after = _neighbours(keys, index, index)
    if before is None or after is None or before < after:
        try:
            made = _make(before, after, count, rng)
        except NoRoom:
            made = None
        if made is not None and not any(map(needs_rebalance, made)):
            return made, {}
    moved = _respace(keys, max(index - 1, 0), min(index + 1, len(keys)), rng)
    before, after = (moved.get(at, keys[at]) if 0 <= at < len(keys) else None for at in (index - 1, index))
    return _make(before, after, count, rng), moved


def _make(before: str | None, after: str | None, count: int, rng: Rng) -> list[str]:
    return [between(before, after, rng)] if count == 1 else run(before, after, count, rng)


def _neighbours(keys: Sequence[str], start: int, stop: int) -> tuple[str | None, str | None]:
    return keys[start - 1] if start > 0 else None, keys[stop] if stop < len(keys) else None


def _respace(keys: Sequence[str], start: int, stop: int, rng: Rng) -> dict[int, str]:
    while True:
        before, after = _neighbours(keys, start, stop)
        spaced = _spread(before, after, stop - start, rng)
        if spaced is not None:
            return dict(zip(range(start, stop), spaced, strict=True))
        more = 1 + (stop - start) // 8  # by eighths: 50,000 equal keys from a hostile peer cost 80 rounds
        if len(before or "") >= len(after or ""):
            start = max(0, start - more)
        else:
            stop = min(len(keys), stop + more)


def _goal(count: int) -> int:
    return max(_GOAL_LEAST, _GOAL_BYTES - _GOAL_SLOPE * count.bit_length())


def _spread(before: str | None, after: str | None, count: int, rng: Rng) -> list[str] | None:
    """Return `count` jittered keys at even distances, or None when they would be longer than `_goal`."""
    if before is not None and after is not None and before >= after:
        return None
    try:
        low, high, width = _gap(*_edges(before, after), (count + 1) * _CHOICES)
    except NoRoom:
        return None
    if width > _goal(count) and (before is not None or after is not None):
        return None
    step = (high - low) // (count + 1)
    starts = range(low + step, low + step * (count + 1), step)
    return [_text(_no_final_zero(at + rng.randrange(0, step // 2)), width) for at in starts]


def _edges(before: str | None, after: str | None) -> tuple[str, str | None]:
    """Return the open interval to make keys in: the gap, or all that begins with the next integer."""
    for key in (before, after):
        if key is not None and not is_valid(key):
            raise ValueError(f"{key[:MAX_BYTES]!r} is not a position")
    if before is None and after is None:
        return _extensions(_FIRST)
    if after is None:
        stepped = _step(before or "", +1)
        return (before or "", None) if stepped is None else _extensions(stepped)
    if before is None:
        stepped = _step(after, -1)
        return ("", after) if stepped is None else _extensions(stepped)
    return (before, after) if before < after else _extensions(before)


def _extensions(key: str) -> tuple[str, str | None]:
    """Return the open interval of all that begins with `key` and is longer."""
    successor = _value(key) + 1
    return key, None if successor == _BASE ** len(key) else _text(successor, len(key))


def _step(key: str, by: int) -> str | None:
    """Return the integer next to the one a key begins with (`by` is +1 or -1), or None when there is none."""
    header = key[:1]
    size = _integer_digits(header)
    digits = key[1 : 1 + size]
    if size == 0 or len(digits) < size:
        return None
    value = _value(digits) + by
    if 0 <= value < _BASE**size:
        return header + _text(value, size)
    following = _HEADERS.index(header) + by
    if not 0 <= following < len(_HEADERS):
        return None
    header = _HEADERS[following]
    return header + ("0" if by > 0 else "z") * _integer_digits(header)


def _integer_digits(header: str) -> int:
    """How many digits follow a header: "a" and "Z" 1, "b" and "Y" 2, … 26; 0 when it is no header."""
    at = _HEADERS.find(header)
    half = len(_HEADERS) // 2
    if at < 0:
        return 0
    return at - half + 1 if at >= half else half - at


def _gap(low: str, high: str | None, choices: int) -> tuple[int, int, int]:
    """Return (low, high, width): the least width at which more than `choices` fit, and the edges as integers.

    Every value strictly between, written at that width, sorts strictly between the edges, whatever follows.
    """
    bottom, top = 0, 1 if high is None else 0
    for width in range(1, MAX_BYTES + 1):
        at = width - 1
        bottom = bottom * _BASE + (_DIGIT[low[at]] if at < len(low) else 0)
        top = top * _BASE + (_DIGIT[high[at]] if high is not None and at < len(high) else 0)
        if top - bottom > choices + 1:
            return bottom, top, width
    raise NoRoom(f"a key here would pass {MAX_BYTES} bytes: rebalance the list first")


def _no_final_zero(value: int) -> int:
    return value if value % _BASE else value + 1


def _value(digits: str) -> int:
    value = 0
    for character in digits:
        value = value * _BASE + _DIGIT[character]
    return value


def _text(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, _BASE)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
