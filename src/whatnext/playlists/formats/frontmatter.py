"""The YAML block at the head of a Markdown file: `name`, `description`, `tags`."""

from typing import Any

from whatnext.playlists.formats.draft import Draft
from whatnext.playlists.formats.model import Playlist
from whatnext.playlists.formats.text import show

# A name, a description and tags at their limits; PyYAML takes seconds for a megabyte.
_MAX_CHARS = 256 * 1024
_NEXT = "Correct the block between the two '---' lines"


def read_front(lines: list[str], draft: Draft) -> tuple[str, str, list[str], int]:
    """Name, description, tags, and how many lines the block takes (0 if there is none). Raises BadFile."""
    if not lines or lines[0].rstrip() != "---":
        return "", "", [], 0
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() in {"---", "..."}), None)
    if end is None:
        raise draft.bad(1, "the front matter that begins here has no closing '---'", "Add it below the tags")
    front = _load("\n".join(lines[1:end]), draft)
    if front is None or front == "":
        front = {}
    if not isinstance(front, dict):
        raise draft.bad(2, "the front matter is no list of 'key: value' lines", _NEXT)
    tags = front.get("tags") or []
    tags = tags.split(",") if isinstance(tags, str) else tags
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise draft.bad(_line_of("tags", lines), "'tags' is no list of words", _NEXT)
    for key in ("name", "description"):
        if not isinstance(front.get(key, ""), str):
            raise draft.bad(_line_of(key, lines), f"'{key}' is not text", _NEXT)
    unknown = [show(key) for key in front if key not in {"name", "title", "description", "tags"}]
    if unknown:
        draft.warn(1, f"these keys are not kept: {', '.join(unknown)}")
    title = front.get("title", "")
    name = front.get("name") or (title if isinstance(title, str) else "")
    return name, front.get("description", ""), tags, end + 1


def write_front(playlist: Playlist) -> list[str]:
    """The block's lines with a blank one after them."""
    import yaml

    head: dict[str, Any] = {"name": playlist.name}
    if playlist.description:
        head["description"] = playlist.description
    if playlist.tags:
        head["tags"] = list(playlist.tags)
    block = yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=float("inf"))
    return ["---", *block.rstrip("\n").split("\n"), "---", ""]


def _load(block: str, draft: Draft) -> Any:
    """The block's value with every scalar as text: a playlist named `1999` or `no` is a name."""
    import yaml

    if len(block) > _MAX_CHARS:
        raise draft.bad(1, f"the front matter has more than {_MAX_CHARS:,} characters", "Shorten it")
    try:
        loader = yaml.BaseLoader(block)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        at = 2 + (error.problem_mark.line if error.problem_mark else 0)
        raise draft.bad(at, f"the front matter is no YAML ({error.problem})", _NEXT) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise draft.bad(2, f"the front matter is no YAML ({show(error)})", _NEXT) from error


def _line_of(key: str, lines: list[str]) -> int:
    return next((at for at, line in enumerate(lines, 1) if line.startswith(f"{key}:")), 1)
