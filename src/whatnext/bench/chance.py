"""Randomness that a seed repeats."""

from random import Random

DEFAULT_SEED = 261122


def seeded(seed: float) -> Random:
    """A generator of its own; its keys protect nothing, they are made for one measurement."""
    return Random(seed)  # noqa: S311
