"""Prints a page of docs/upstream as an issue that is ready to file: `python tools/upstream_issue.py 02 40`.

Without numbers, the ten worst of docs/upstream/README.md. Nothing is sent anywhere. The first line is the title.
"""

import importlib.metadata
import platform
import re
import sys
from pathlib import Path

PAGES = Path(__file__).parents[1] / "docs" / "upstream"
_NEEDED_WITH = {"webrtc": ("aiortc", "aioice"), "aiortc": ("aiortc", "aioice"), "quic": ("aioquic",)}


def issue(page: str) -> str:
    """The issue of a page's text: title, its parts but the last (“Here” is about us), versions."""
    title = page.partition("\n")[0].removeprefix("# Upstream: ")
    body, _, _ = page.partition("\n## Here\n")
    _, _, body = body.partition("\n## What happens\n")
    return f"{title}\n\n## What happens\n{body.rstrip()}\n\n## Versions\n{_versions(page)}\n"


def _versions(page: str) -> str:
    packages = ["libp2p", "trio", "multiaddr"]
    for word, more in _NEEDED_WITH.items():
        if word in page.lower():
            packages += [package for package in more if package not in packages]
    lines = [f"- {package} {_version(package)}" for package in packages]
    return "\n".join([*lines, f"- Python {platform.python_version()}, {platform.system()}"])


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed here)"


def worst() -> list[str]:
    """Numbers of the ten worst, in the order of the overview."""
    overview = (PAGES / "README.md").read_text("utf-8")
    table = overview.partition("## The ten worst")[2].partition("\nThen,")[0]
    return re.findall(r"(?m)^\| \[(\d\d)\]", table)


def main(numbers: list[str]) -> int:
    """Print each; 2 when a number has no page."""
    for count, number in enumerate(numbers or worst()):
        found = sorted(PAGES.glob(f"{number}-*.md"))
        if not found:
            sys.stderr.write(f"docs/upstream has no page {number}\n")
            return 2
        sys.stdout.write(("\n" + "=" * 40 + "\n\n" if count else "") + issue(found[0].read_text("utf-8")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
