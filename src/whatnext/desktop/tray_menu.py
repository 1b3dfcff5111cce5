"""The tray's menu as `com.canonical.dbusmenu` tells it: its items, and which act a click on one is. No bus here."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from whatnext.desktop import words

Act = Literal["open", "quit", "notify", "hush"]
"""Open a page, quit, show notifications from now on, show none."""
_ROOT, _OPEN, _AROUND, _NOTIFY, _QUIT = 0, 1, 2, 4, 6
_SEPARATORS = (3, 5)
_ORDER = (_OPEN, _AROUND, 3, _NOTIFY, 5, _QUIT)


class Look(msgspec.Struct, frozen=True):
    """What the tray shows: how many friends are connected, and whether notifications are on."""

    around: int = 0
    notify: bool = True


def layout(look: Look, parent: int, depth: int) -> tuple[int, dict[str, Any], list[Any]]:
    """`GetLayout`'s answer: (id, properties, children); `depth` 0 is without children, -1 with all."""
    children: list[Any] = []
    if parent == _ROOT and depth != 0:
        children = [("(ia{sv}av)", (item, properties(look, item), [])) for item in _ORDER]
    return parent, properties(look, parent), children


def groups(look: Look, items: Sequence[int]) -> list[tuple[int, dict[str, Any]]]:
    """`GetGroupProperties`' answer; of no items in particular: all."""
    return [
        (item, properties(look, item)) for item in (items or (_ROOT, *_ORDER)) if item in (_ROOT, *_ORDER)
    ]


def properties(look: Look, item: int) -> dict[str, Any]:
    """An item's properties, each with its type; those not told have the protocol's default."""
    made = {
        _ROOT: {"children-display": ("s", "submenu")},
        _OPEN: _labelled(words.OPEN),
        _AROUND: _labelled(words.around(look.around)) | {"enabled": ("b", False)},
        _NOTIFY: _labelled(words.NOTIFICATIONS)
        | {"toggle-type": ("s", "checkmark"), "toggle-state": ("i", int(look.notify))},
        _QUIT: _labelled(words.QUIT),
    }
    return {"type": ("s", "separator")} if item in _SEPARATORS else made.get(item, {})


def act_of(look: Look, item: int, event: str) -> Act | None:
    """What a menu's event asks for."""
    acts: dict[int, Act] = {_OPEN: "open", _QUIT: "quit", _NOTIFY: "hush" if look.notify else "notify"}
    return acts.get(item) if event == "clicked" else None


def _labelled(text: str) -> dict[str, Any]:
    return {"label": ("s", text.replace("_", "__"))}  # a single underline marks a key


def answers(
    look: Look, revision: int, act: Callable[[Act], None]
) -> dict[str, Callable[..., tuple[str, tuple[Any, ...]]]]:
    """By method: takes the call's arguments, gives signature and body of the answer."""

    def clicked(item: int, event: str, *_: Any) -> tuple[str, tuple[Any, ...]]:
        chosen = act_of(look, item, event)
        if chosen is not None:
            act(chosen)
        return "", ()

    def all_clicked(events: Sequence[tuple[Any, ...]]) -> tuple[str, tuple[Any, ...]]:
        for event in events:
            clicked(*event)
        return "ai", ([],)

    return {
        "GetLayout": lambda parent, depth, _names: ("u(ia{sv}av)", (revision, layout(look, parent, depth))),
        "GetGroupProperties": lambda items, _names: ("a(ia{sv})", (groups(look, items),)),
        "GetProperty": lambda item, name: ("v", (properties(look, item).get(name, ("s", "")),)),
        "Event": clicked,
        "EventGroup": all_clicked,
        "AboutToShow": lambda _item: ("b", (False,)),
        "AboutToShowGroup": lambda _items: ("aiai", ([], [])),
    }
