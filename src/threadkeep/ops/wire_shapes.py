"""The types of the wire: those of the engine language, strict, with an index for each value.

They are derived, so that a new operation or field needs no line here.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeGuard, Union, get_args, get_origin

import msgspec

from threadkeep.errors import UsageError

Index = Annotated[int, msgspec.Meta(ge=0)]
Back = Callable[[Any, "Values"], Any]


class Values:
    """The values of a message, each to be taken once; nothing is copied before that."""

    def __init__(self, data: memoryview, start: int, lengths: tuple[int, ...]) -> None:
        self._data, self._lengths = data, lengths
        self._starts: list[int | None] = []
        for length in lengths:
            self._starts.append(start)
            start += length

    def take(self, index: int) -> bytes:
        """Return a value; UsageError when there is none of that number or it was taken before."""
        if index >= len(self._starts):
            raise UsageError(f"value {index} is named, the message holds {len(self._starts)}")
        start = self._starts[index]
        if start is None:
            raise UsageError(f"value {index} is named twice")
        self._starts[index] = None
        return bytes(self._data[start : start + self._lengths[index]])

    def finish(self) -> None:
        """Raise UsageError for a value that nothing names."""
        for index, start in enumerate(self._starts):
            if start is not None:
                raise UsageError(f"value {index} is not named by anything")


_STRICT: Final[dict[type, Any]] = {}
_BACK: Final[dict[type, Back]] = {}


def is_struct(hint: Any) -> TypeGuard[type[msgspec.Struct]]:
    """Tell whether a type is one of the engine language's own."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def strict(hint: Any) -> Any:
    """Return the type that a decoder of the wire takes for a type of the engine language."""
    if hint is bytes:
        return Index
    if is_struct(hint):
        return _strict_struct(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is None or origin is Literal:
        return hint
    inner = tuple(arg if arg is Ellipsis else strict(arg) for arg in args)
    return Union[inner] if origin in (Union, UnionType) else origin[inner]  # noqa: UP007 - made of a tuple


def _strict_struct(cls: type[msgspec.Struct]) -> Any:
    if cls not in _STRICT:
        fields: list[Any] = []
        for field in msgspec.structs.fields(cls):
            default = msgspec.field(default=field.default)
            if field.default_factory is not msgspec.NODEFAULT:
                default = msgspec.field(default_factory=field.default_factory)
            fields.append((field.name, strict(field.type), default))
        made = msgspec.defstruct(
            cls.__name__,
            fields,
            tag=cls.__struct_config__.tag,
            kw_only=True,
            forbid_unknown_fields=True,
        )
        _STRICT[cls] = made
        parts = [(f.name, back(f.type)) for f in msgspec.structs.fields(cls)]
        _BACK[made] = _back_struct(cls, parts)
    return _STRICT[cls]


def back(hint: Any) -> Back | None:
    """Return what turns a decoded `strict(hint)` into a `hint`; None where they are the same."""
    if hint is bytes:
        return lambda index, values: values.take(index)
    if is_struct(hint):
        strict(hint)
        return _back_any
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        found = [one for one in map(back, args) if one is not None]
        return _or_none(found[0]) if found else None
    if origin is tuple:
        each = back(args[0])
        return each and (lambda items, values: tuple([each(item, values) for item in items]))
    if origin is dict:
        each = back(args[1])
        return each and (lambda items, values: {k: each(v, values) for k, v in items.items()})
    return None


def _or_none(one: Back) -> Back:
    """Return the same for an optional type. The members of any other union here are structs."""
    return lambda found, values: None if found is None else one(found, values)


def _back_any(found: Any, values: Values) -> Any:
    known = _BACK.get(found.__class__)  # a default is of the engine language already
    return found if known is None else known(found, values)


def _back_struct(cls: type[msgspec.Struct], parts: list[tuple[str, Back | None]]) -> Back:
    names = tuple(name for name, _ in parts)
    changed = tuple((at, part) for at, (_, part) in enumerate(parts) if part is not None)
    by_name = any(p.kind is p.KEYWORD_ONLY for p in signature(cls).parameters.values())

    def build(found: Any, values: Values) -> Any:
        given = [getattr(found, name) for name in names]
        for at, part in changed:
            given[at] = part(given[at], values)
        return cls(**dict(zip(names, given, strict=True))) if by_name else cls(*given)

    return build


def lifted(found: Any, values: list[bytes]) -> Any:
    """Return plain data with an index in the place of each value, which goes to `values`."""
    if type(found) is bytes:
        values.append(found)
        return len(values) - 1
    if type(found) is dict:
        return {key: lifted(value, values) for key, value in found.items()}  # pyright: ignore[reportUnknownVariableType] - plain data of any shape
    if type(found) is list or type(found) is tuple:
        return [lifted(value, values) for value in found]  # pyright: ignore[reportUnknownVariableType] - same
    return found
