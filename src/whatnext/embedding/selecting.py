"""Which documents are wanted: a small part of RxDB's (MongoDB's) selectors, enough to name a playlist or a range.

`{"playlistId": id, "durationMs": {"$gt": 60_000}}`: every field has to fit. There is no index and no `$or`: a query
reads the documents of one playlist, or of all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from whatnext.errors import UserError
from whatnext.rxdb.collections import Collection
from whatnext.rxdb.documents import RxDocument

Selector = Mapping[str, Any]
Sort = Sequence[Mapping[str, str]]


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, wanted: value is not None and type(value) is type(wanted) and compare(value, wanted)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, wanted: bool(value == wanted),
    "$ne": lambda value, wanted: bool(value != wanted),
    "$in": lambda value, wanted: value in wanted,
    "$gt": _ordered(lambda value, wanted: value > wanted),
    "$gte": _ordered(lambda value, wanted: value >= wanted),
    "$lt": _ordered(lambda value, wanted: value < wanted),
    "$lte": _ordered(lambda value, wanted: value <= wanted),
}


def check(collection: Collection, selector: Selector, sort: Sort = ()) -> None:
    """Raise `UserError` for a field or an operator that does not exist."""
    known = {"id", "version", *collection.properties}
    for name, wanted in selector.items():
        if name not in known:
            raise UserError(f"{collection.name} have no field “{name}”: there are {', '.join(sorted(known))}")
        for operator in wanted if isinstance(wanted, Mapping) else ():
            if operator not in _OPERATORS:
                raise UserError(f"there is no operator “{operator}”: there are {', '.join(_OPERATORS)}")
    for part in sort:
        if len(part) != 1 or not part.keys() <= known or not set(part.values()) <= {"asc", "desc"}:
            raise UserError(f"{dict(part)} is no order: give one field with “asc” or “desc”")


def fits(document: RxDocument, selector: Selector) -> bool:
    """Whether a document is wanted."""
    return all(_fits(document[name], wanted) for name, wanted in selector.items())


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return all(_OPERATORS[operator](value, operand) for operator, operand in wanted.items())
    return bool(value == wanted)


def ordered(documents: list[RxDocument], sort: Sort) -> list[RxDocument]:
    """Documents in the order asked for; fields that are null come first."""
    for part in reversed(sort):
        ((name, direction),) = part.items()
        documents = sorted(documents, key=_key(name), reverse=direction == "desc")
    return documents


def _key(name: str) -> Callable[[RxDocument], tuple[bool, Any]]:
    return lambda document: (document[name] is not None, document[name] if document[name] is not None else 0)
