"""Typed values: Structs, dataclasses and pydantic models, in as plain content and back by type.

pydantic is never imported here: a model is known by its attributes, and the adapter is taken only
in a program that has imported pydantic itself.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import count
from typing import Any, Final, cast, get_args
from uuid import UUID

import msgspec

from threadkeep.errors import CodecError, UsageError
from threadkeep.model.tags import kind_of

NOT_A_MODEL: Final = object()

# The types a decoded value is made of. `convert` takes the last four as they are and parses no text
# into them, so that text which was stored as text does not come back as something else.
_STORED: Final = frozenset(
    (type(None), bool, int, float, str, list, dict, tuple, set, bytes, datetime, Decimal, UUID)
)
_NATIVE: Final = (bytes, datetime, Decimal, UUID)
_REFUSED_VALUE: Final = re.compile(r"(Invalid (?:enum )?value) .*", re.DOTALL)


def content(value: Any) -> Any:
    """Return the plain content of a Struct, dataclass instance or pydantic model, else NOT_A_MODEL.

    Structs go by their encoded names (with their tag; a list where `array_like`), dataclasses and
    pydantic models by their field names, so that neither aliases nor serializers stand between a
    model and what is stored. The values inside are not touched; UNSET fields are left out.
    """
    kind: Any = kind_of(value)
    if isinstance(value, msgspec.Struct):
        return _struct_content(value)
    if hasattr(kind, "model_dump") and hasattr(kind, "__pydantic_fields__"):
        held: dict[str, Any] = value.__dict__
        if getattr(kind, "__pydantic_root_model__", False):
            return held["root"]
        names: Iterable[str] = kind.__pydantic_fields__
        extra: dict[str, Any] = value.__pydantic_extra__ or {}
        return {name: held[name] for name in names if name in held} | extra
    if dataclasses.is_dataclass(kind):
        pairs = (
            (field.name, getattr(value, field.name, msgspec.UNSET))
            for field in dataclasses.fields(kind)
        )
        return {name: item for name, item in pairs if item is not msgspec.UNSET}
    return NOT_A_MODEL


def _struct_content(value: msgspec.Struct) -> Any:
    config = value.__struct_config__
    items: list[Any] = [getattr(value, name) for name in value.__struct_fields__]
    if config.array_like:
        return items if config.tag is None else [config.tag, *items]
    pairs = zip(value.__struct_encode_fields__, items, strict=True)
    found = {name: item for name, item in pairs if item is not msgspec.UNSET}
    return found if config.tag is None else {config.tag_field: config.tag, **found}


def as_type(stored: Any, type_: Any, place: str) -> Any:
    """Return a decoded value as `type_`; CodecError where it does not fit, naming the place.

    Nothing is coerced: an int is read as a float only where both are equal, a list and a tuple are
    each read as what the type says (`Sequence` says list), a set only as a set, text never as a
    datetime or a number.
    """
    try:
        adapter = _adapter(type_)
        if adapter is not None:
            return _validate(adapter, stored)
        typed = msgspec.convert(stored, type_, builtin_types=_NATIVE, dec_hook=_nested_model)
        if typed is not stored:
            _refuse_difference(stored, typed)
    except _Mismatch as error:
        raise CodecError(f"{place}{error}", place=place) from None
    except msgspec.ValidationError as error:
        raise CodecError(f"{place}{_described(error)}", place=place) from None
    except RecursionError:
        raise CodecError(f"{place} is nested too deeply to be read", place=place) from None
    except (TypeError, NotImplementedError) as error:
        raise UsageError(f"type= of {place} cannot be used: {error}", place=place) from error
    return typed


class _Mismatch(ValueError):
    """A stored value does not fit the type; the text begins with the path inside the value."""


def _described(error: msgspec.ValidationError) -> str:
    """Return msgspec's message with our kind of path and without the stored value."""
    reason, _, where = str(error).rpartition(" - at `")
    if not reason:
        reason, where = where, ""
    path, key = where.rstrip("`").removeprefix("$"), ""
    if where.startswith("key` in `"):
        path, key = where.rstrip("`").partition(" in `$")[2], " (a key)"
    if isinstance(error.__cause__, _Mismatch):
        return f"{path}{error.__cause__}"
    shown = _REFUSED_VALUE.sub(r"\1", reason)
    return f"{path}{key} does not fit type=: {shown}"


def _nested_model(type_: Any, stored: Any) -> Any:
    """Read what msgspec does not know: a pydantic model inside a Struct, dataclass or TypedDict."""
    adapter = _adapter(type_)
    if adapter is not None:
        return _validate(adapter, stored)
    if isinstance(stored, type_):  # `object`, abstract classes
        return stored
    raise NotImplementedError(f"{type_!r} is no type that stored values can be read as")


# --- pydantic -----------------------------------------------------------------------------------


def _adapter(type_: Any) -> Any:
    """Return the pydantic adapter for a type that names a pydantic model, else None."""
    try:
        hash(type_)
    except TypeError:
        return _new_adapter(type_)
    return _kept_adapter(type_)


@lru_cache(maxsize=256)
def _kept_adapter(type_: Any) -> Any:
    return _new_adapter(type_)


def _new_adapter(type_: Any) -> Any:
    pydantic = sys.modules.get("pydantic")
    if pydantic is None or not _names_pydantic(type_):
        return None
    if tuple(map(int, pydantic.VERSION.split(".")[:2])) < (2, 11):
        raise NotImplementedError(f"it needs pydantic 2.11 or later, found {pydantic.VERSION}")
    try:
        return pydantic.TypeAdapter(type_)
    except (TypeError, NameError, RuntimeError) as error:
        raise NotImplementedError(str(error)) from error


def _names_pydantic(type_: Any) -> bool:
    return hasattr(type_, "__pydantic_validator__") or any(map(_names_pydantic, get_args(type_)))


def _validate(adapter: Any, stored: Any) -> Any:
    """Validate strictly; where a model holds enums or dataclasses, compare instead.

    Strict validation wants instances of both and is given their plain content. The lax kind takes
    that, and what it changed otherwise is found by comparing.
    """
    pydantic = sys.modules["pydantic"]
    names = {"by_name": True, "by_alias": False}
    try:
        return adapter.validate_python(stored, strict=True, **names)
    except pydantic.ValidationError:
        pass
    try:
        typed = adapter.validate_python(stored, strict=False, **names)
    except pydantic.ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        reasons = [f"{path_of(e['loc'])} does not fit type=: {e['msg']}" for e in found[:3]]
        raise _Mismatch("; ".join(reasons)) from None
    _refuse_difference(stored, typed)
    return typed


# --- what reading by type must not change -------------------------------------------------------


def _refuse_difference(stored: Any, typed: Any) -> None:
    difference = _difference(stored, typed)
    if difference is not None:
        raise _Mismatch(difference)


def _difference(stored: Any, typed: Any) -> str | None:
    """Return where and how `typed` is something else than what was stored, or None."""
    kind = kind_of(stored)
    found = kind_of(typed)
    if kind is dict:
        inner: Any = typed if found is dict else content(typed)
        if kind_of(inner) is dict:
            return _first_difference(
                [(key, one, inner[key]) for key, one in stored.items() if key in inner]
            )
    elif kind is list or kind is tuple:
        inner = content(typed) if isinstance(typed, msgspec.Struct) else typed
        if isinstance(inner, list | tuple):
            items = cast("Iterable[Any]", inner)  # a model may know more or fewer than are stored
            return _first_difference(zip(count(), stored, items, strict=False))
    if found is frozenset:
        found = set
    elif isinstance(typed, Enum):
        found = kind_of(typed.value)
    if kind is int and found is float and stored == typed:
        return None
    if found is kind or found not in _STORED:
        return None
    return f" does not fit type=: stored as {kind.__name__}, the type makes it {found.__name__}"


def _first_difference(items: Iterable[tuple[object, Any, Any]]) -> str | None:
    for key, stored, typed in items:
        difference = None if typed is stored else _difference(stored, typed)
        if difference is not None:
            return path_of((key,)) + difference
    return None


def path_of(steps: Iterable[object]) -> str:
    """Return keys and indexes as they are written behind a name: `.items[3]['two words']`."""
    shown: list[str] = []
    for step in steps:
        if isinstance(step, str) and step.isidentifier() and len(step) <= 40:
            shown.append(f".{step}")
        elif isinstance(step, str) and len(step) > 40:
            shown.append(f"[{step[:40]!r}...]")
        else:
            shown.append(f"[{step!r}]")
    return "".join(shown)
