"""Rewrites the lists of docs/README.md from the titles of the documents: `python tools/docs_index.py`.

`make fmt` runs it too; `tests/test_house.py` fails while a document is missing from the index.
"""

from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
MARK = "<!-- below: written by tools/docs_index.py -->"
CATEGORIES = {
    ".": "Guides",
    "concepts": "Concepts",
    "decisions": "Decisions",
    "patterns": "Patterns",
    "notes": "Notes",
    "experiments": "Experiments",
    "upstream": "Upstream",
    "logs": "Learning logs",
    "templates": "Templates",
}
_KINDS = ("Concept: ", "ADR: ", "Pattern: ", "Experiment: ", "Learning Log: ", "Upstream: ")


def title(file: Path) -> str:
    """Return the first heading of a document without the kind it names, or its name when it has none."""
    heading = next((line for line in file.read_text("utf-8").splitlines() if line.startswith("# ")), "")
    heading = heading.removeprefix("# ").strip() or file.stem
    if file.parent.name != "templates":
        for kind in _KINDS:
            heading = heading.removeprefix(kind)
    return heading.replace("[", "").replace("]", "")


def index(docs: Path) -> str:
    """Return the lists as Markdown: a heading and links for each category that has documents."""
    parts = []
    for directory, heading in CATEGORIES.items():
        found = (file for file in (docs / directory).glob("*.md") if file != docs / "README.md")
        files = sorted(found, key=lambda file: (file.name != "README.md", file))  # an overview stands first
        if files:
            links = [f"- [{title(file)}]({file.relative_to(docs).as_posix()})" for file in files]
            parts.append("\n".join([f"## {heading}", "", *links]))
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Keep what stands above the mark and write the rest anew."""
    readme = DOCS / "README.md"
    kept = readme.read_text("utf-8").partition(MARK)[0]
    readme.write_text(f"{kept}{MARK}\n\n{index(DOCS)}", "utf-8")


if __name__ == "__main__":
    main()
