"""Whole numbers of a request: 2.0 is one in JSON, whose writers often know only one kind of number."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar, cast

import msgspec

from threadkeep.errors import UsageError

T = TypeVar("T")

_FLOAT: Final = re.compile(r"Expected `(?:int\b[^`]*)`, got `float` - at `\$(?P<path>.+)`$")
_STEP: Final = re.compile(r"\.(\w+)|\[(?:\d+|\.\.\.)\]")
_EXACT: Final = 2.0**53


def converted(found: Any, as_type: type[T]) -> T:
    """Return JSON as a struct; 2.0 is taken where a whole number is asked for, and nowhere else.

    Raises UsageError, which says what is wrong and where.
    """
    while True:
        try:
            return msgspec.convert(found, as_type)
        except (msgspec.ValidationError, RecursionError) as error:
            place = _FLOAT.match(str(error))
            if place is None or not _make_whole(found, place["path"]):
                raise UsageError(str(error)) from None


def _make_whole(found: Any, path: str) -> bool:
    """Put whole numbers in the place of floats that are, at a path and at its like in all entries of lists on it."""
    *steps, last = [step[1] for step in _STEP.finditer(path)]
    holders: list[Any] = [found]
    for step in steps:
        holders = [holder[key] for holder in holders for key in _keys(holder, step)]
    made = False
    for holder in holders:
        for key in _keys(holder, last):
            value = holder[key]
            if type(value) is float and value.is_integer() and abs(value) <= _EXACT:
                holder[key] = int(value)
                made = True
    return made


def _keys(holder: Any, step: str | None) -> list[Any]:
    """Return where a step leads in what may be of another kind; None: to every entry."""
    if isinstance(holder, dict):
        return [key for key in cast("dict[str, Any]", holder) if step in {None, key}]
    if step is None and isinstance(holder, list):
        return [*range(len(cast("list[Any]", holder)))]
    return []
