import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from playlist_devices import Circle


@pytest.fixture
def circle():
    return Circle()
