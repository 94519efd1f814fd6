"""What a value may be made of: plain JSON, what is lowered to JSON with tags, what is refused."""

from __future__ import annotations

import copy
import enum
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.tags import SET, TUPLE, WRITERS, kind_of, looks_tagged, restored
from threadkeep.model.typed import NOT_A_MODEL, content, path_of

LEVELS: Final = 64  # containers inside each other
BIG: Final = 1 << 2048  # ints beyond go as hex: Python may be set to read no more than 640 digits

_isfinite: Final = math.isfinite
_SCALARS: Final = frozenset((str, int, float, bool, type(None)))


class _Refused(Exception):
    """A part of a value cannot be stored; `steps` grows from the inside out."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.steps: list[object] = []


def is_plain(value: Any, level: int = 1) -> bool:
    """Return whether a value is JSON as it stands; False also where it cannot be stored at all."""
    kind = kind_of(value)
    items: Any = value
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        items = value.values()
    elif kind is not list:
        items = (value,)
    for item in items:
        kind = kind_of(item)
        if (
            kind is str
            or kind is bool
            or item is None
            or (kind is int and -BIG < item < BIG)
            or (kind is float and _isfinite(item))
            or ((kind is dict or kind is list) and level < LEVELS and is_plain(item, level + 1))
        ):
            continue
        return False
    return True


def lowered(value: Any, place: str) -> tuple[Any, bool]:
    """Return a value as plain JSON containers, and whether tags were written into them.

    Models become their plain content. Raises UsageError, naming the path of the part that cannot
    be stored and what to do; the value itself is never changed.
    """
    walk = _Walk()
    try:
        return walk.lower(value), walk.tagged
    except _Refused as refused:
        steps = refused.steps[::-1]
        where = (
            path_of(steps) if len(steps) <= 16 else f"{path_of(steps[:8])}...{path_of(steps[-4:])}"
        )
        raise UsageError(f"{place}{where} {refused}", place=place) from None


class _Walk:
    """One walk: what is open above, how many of that are models, whether tags were needed."""

    def __init__(self) -> None:
        self.tagged = False
        self.models = 0
        self.open: set[int] = set()

    def lower(self, value: Any) -> Any:
        kind = kind_of(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int and -BIG < value < BIG:
            return value
        if kind is float and _isfinite(value):
            return value
        if kind is dict or kind is list or kind is tuple or kind is set:
            return self.lower_container(value, value)
        write = WRITERS.get(kind)
        if write is not None:
            self.tagged = True
            _refuse_unstorable(value, kind)
            return write(value)
        if isinstance(value, enum.Enum) and self.models:
            return self.lower(value.value)
        if self.models and kind in (date, time, timedelta):
            return msgspec.to_builtins(value)  # ISO text, which the model's type reads back
        plain = NOT_A_MODEL if isinstance(value, _NEAR) else content(value)
        if plain is NOT_A_MODEL:
            raise _Refused(_reason(value, kind))
        self.models += 1
        low = self.lower_container(value, plain)
        self.models -= 1
        return low

    def lower_container(self, value: Any, items: Any) -> Any:
        """Lower the items of a container, or the content of the model `value`."""
        mark = id(value)
        if mark in self.open:
            raise _Refused("holds itself; store a value without cycles")
        if len(self.open) >= LEVELS:
            raise _Refused(f"is nested over {LEVELS} levels; store a flatter value")
        self.open.add(mark)
        kind = kind_of(items)
        if kind is dict:
            low: Any = self.lower_dict(items)
        elif kind is list:
            low = self.lower_items(items)
        elif kind is tuple:
            self.tagged = True
            low = {TUPLE: self.lower_items(items)}
        elif kind is set:
            self.tagged = True
            low = {SET: self.lower_members(items)}
        else:
            low = self.lower(items)  # the root of a pydantic RootModel
        self.open.discard(mark)
        return low

    def lower_dict(self, value: dict[Any, Any]) -> dict[str, Any]:
        for key in value:
            if type(key) is not str:
                raise _Refused(
                    f"has a key of type {type(key).__qualname__}; keys must be plain str"
                )
        low: dict[str, Any] = {}
        key = ""
        try:
            for key, item in value.items():
                name = key
                if key[:1] == "$" and looks_tagged(key):
                    name = f"${key}"
                    self.tagged = True
                low[name] = self.lower(item)
        except _Refused as refused:
            refused.steps.append(key)
            raise
        return low

    def lower_items(self, value: Any) -> list[Any]:
        low: list[Any] = []
        try:
            for item in value:
                low.append(self.lower(item))  # noqa: PERF401 - the length says which item was refused
        except _Refused as refused:
            refused.steps.append(len(low))
            raise
        return low

    def lower_members(self, value: set[Any]) -> list[Any]:
        """Lower a set, sorted so that one set has one stored form."""
        low = sorted(map(self.lower, value), key=repr)
        if not all(type(member) in _SCALARS for member in value):
            # a zone that becomes an offset can make two members equal, and models become dicts
            try:
                back = {restored(member, []) for member in copy.deepcopy(low)}
            except TypeError:
                raise _Refused("has a member that holds a model; store a list of them") from None
            if len(back) != len(value):
                raise _Refused("has members that are equal once stored; store a list of them")
        return low


_ADVICE: Final[tuple[tuple[type, str], ...]] = (
    (enum.Enum, "store its .value"),
    (time, "store its isoformat()"),
    (timedelta, "store its total_seconds()"),
    (frozenset, "store a set"),
    (bytearray, "store bytes() of it"),
    (memoryview, "store bytes() of it"),
)
_EXACT: Final = (str, int, float, bytes, dict, list, tuple, set, datetime, Decimal, UUID)
_NEAR: Final = (
    *(base for base, _ in _ADVICE),
    *_EXACT,
    date,
)  # a model that is also one of these is none


def _refuse_unstorable(value: Any, kind: object) -> None:
    """Refuse what is of a type with a tag and yet has no stored form."""
    if kind is datetime and (value.tzinfo is None or value.utcoffset() is None):
        raise _Refused("is a datetime without a time zone; store an aware one: datetime.now(UTC)")
    if kind is Decimal and not value.is_finite():
        raise _Refused(f"is a Decimal of {value}; store None or a str instead")


def _reason(value: Any, kind: type[object]) -> str:
    """Return why a value is refused and what to store instead."""
    name = kind.__qualname__
    if kind is float:
        which = "NaN" if math.isnan(value) else "infinite"
        return f"is {which}, which JSON cannot hold; store None or a str instead"
    for base, advice in _ADVICE:
        if isinstance(value, base):
            return f"is of type {name}; {advice}"
    for base in _EXACT:
        if isinstance(value, base):
            plain = base.__qualname__
            return f"is of type {name}, not exactly {plain}; store a plain {plain}"
    if isinstance(value, date):
        return f"is of type {name}; store its isoformat() or an aware datetime"
    return (
        f"is of type {name}, which cannot be stored; store JSON values, bytes, datetime, Decimal,"
        " UUID, set or tuple, or a msgspec Struct, dataclass or pydantic model"
    )
