"""Tags: what carries a value that JSON has no form for.

A tag is an object of one key: `{"$tk:datetime": "2026-06-01T12:00:00+02:00"}`. In text with tags, a
key of the program that looks like one (`$`, then `tk:`) is written with one more `$` in front.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

TUPLE: Final = "$tk:tuple"
SET: Final = "$tk:set"

_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?").fullmatch
_HEX: Final = re.compile(r"-?0x[0-9a-f]+").fullmatch

looks_tagged: Final = re.compile(r"\$+tk:").match

# tag and text of a value; the int is one that is too long for decimal digits
WRITERS: Final[dict[type, Callable[[Any], dict[str, str]]]] = {
    int: lambda value: {"$tk:int": hex(value)},
    bytes: lambda value: {"$tk:bytes": b64encode(value).decode()},
    datetime: lambda value: {"$tk:datetime": value.isoformat()},
    Decimal: lambda value: {"$tk:decimal": str(value)},
    UUID: lambda value: {"$tk:uuid": str(value)},
}


# `type` itself: of an Any, pyright calls type(x) partially unknown
kind_of: Final = cast("Callable[[object], type[object]]", type)


class BadTag(ValueError):
    """Stored text holds a tag that nothing here has written."""


def _read_datetime(body: str) -> datetime:
    moment = datetime.fromisoformat(body)
    if len(body) > 32 and moment.isoformat() != body:
        # an offset has seconds, and Python's parser loses one below a second: read it from the text
        offset = timedelta(microseconds=int(body[-6:])) * (-1 if body[-16] == "-" else 1)
        moment = datetime.fromisoformat(body[:-16]).replace(tzinfo=timezone(offset))
        if moment.isoformat() != body:
            raise ValueError
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _read_decimal(body: str) -> Decimal:
    if not _DECIMAL(body):
        raise ValueError
    return Decimal(body)


def _read_int(body: str) -> int:
    if not _HEX(body):
        raise ValueError
    return int(body, 16)


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "$tk:int": _read_int,
    "$tk:bytes": lambda body: a2b_base64(body, strict_mode=True),
    "$tk:datetime": _read_datetime,
    "$tk:decimal": _read_decimal,
    "$tk:uuid": UUID,
}


def restored(value: Any, tags: list[str]) -> Any:
    """Return parsed JSON with its tags read, in place; adds each tag to `tags`. Raises BadTag."""
    kind = kind_of(value)
    if kind is list:
        for index, item in enumerate(value):
            inner = kind_of(item)
            if inner is dict or inner is list:
                value[index] = restored(item, tags)
    elif kind is dict:
        for key in value:
            if key[:1] == "$":
                return _restored_marked(value, tags)
        for key, item in value.items():
            inner = kind_of(item)
            if inner is dict or inner is list:
                value[key] = restored(item, tags)
    return value


def _restored_marked(value: dict[str, Any], tags: list[str]) -> Any:
    """Read a tag, or take the escapes out of a dict with keys that look like one."""
    if len(value) == 1:
        ((key, body),) = value.items()
        if key.startswith("$tk:"):
            tags.append(key)
            return _read_tag(key, body, tags)
    plain: dict[str, Any] = {}
    for key, item in value.items():
        if key.startswith("$tk:"):
            raise BadTag("an object has a tag beside other keys")
        plain[key[1:] if looks_tagged(key) else key] = restored(item, tags)
    return plain


def _read_tag(tag: str, body: Any, tags: list[str]) -> Any:
    if tag in (TUPLE, SET):
        if kind_of(body) is not list:
            raise BadTag(f"the body of the tag {tag} is no list")
        return tuple(restored(body, tags)) if tag == TUPLE else _read_set(restored(body, tags))
    reader = _READERS.get(tag)
    if reader is None:
        raise BadTag(f"the tag {tag[:40]!r} is unknown; a newer version may have written it")
    if type(body) is not str:
        raise BadTag(f"the body of the tag {tag} is no text")
    try:
        return reader(body)
    except (ValueError, ArithmeticError):
        raise BadTag(f"the body of the tag {tag} is malformed") from None


def _read_set(members: list[Any]) -> set[Any]:
    try:
        found = set(members)
    except TypeError:
        raise BadTag(f"the tag {SET} has a member that no set can hold") from None
    if len(found) != len(members):
        raise BadTag(f"the tag {SET} has a member twice")
    return found
