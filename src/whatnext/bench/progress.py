"""What a bench says while it works: on stderr, so that stdout holds nothing but its one JSON object."""

import sys


def say(text: str) -> None:
    """One line of progress."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
