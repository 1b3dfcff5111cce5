"""Node 24, for tests of what is written in JavaScript: where it is, or why there is none."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLDEST = 22  # js-libp2p 3 needs it


def node() -> str | None:
    """Path of a Node that is new enough: the project's own, else the system's; None when there is none."""
    for path in (str(ROOT / "tools/node24/node_modules/.bin/node"), shutil.which("node")):
        if path is not None and _major(path) >= OLDEST:
            return path
    return None


def why_not(folder: Path) -> str | None:
    """Why the JavaScript of a folder cannot be run here, in a sentence, or None when it can."""
    if node() is None:
        return f"Node {OLDEST} or newer is missing: `sh tools/javascript.sh` installs one where npm is"
    if not (folder / "node_modules/.installed-lock.json").exists():
        return (
            f"the packages of {folder.relative_to(ROOT)} are missing: `sh tools/javascript.sh` installs them"
        )
    return None


def _major(path: str) -> int:
    try:
        told = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return int(told.strip().removeprefix("v").partition(".")[0])
