"""The `whatnext` command: one obvious command for each thing a user does."""

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    from whatnext.cli.main import run

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # titles come in any script
    sys.exit(run(sys.argv[1:]))
