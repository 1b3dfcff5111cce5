"""`python -m pictures_clock` is the `whatnext` command on a clock that runs behind, by the seconds in a file."""

import os
import time
from pathlib import Path

BEHIND = Path(os.environ["WHATNEXT_PICTURES_CLOCK"])
_now_ns = time.time_ns


def _earlier_ns() -> int:
    return _now_ns() - int(float(BEHIND.read_text("ascii") or 0) * 1e9)


time.time_ns = _earlier_ns
time.time = lambda: _earlier_ns() / 1e9

if __name__ == "__main__":
    from whatnext.cli import main

    main()
