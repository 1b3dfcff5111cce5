"""A laboratory, where one can be built."""

from collections.abc import Iterator

import pytest

from whatnext.lab import Lab, why_not


@pytest.fixture
def lab() -> Iterator[Lab]:
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab
