"""Canonical JSON (RFC 8785): equal requests have equal text, whatever the order of their keys.

Numbers are compared as numbers (1 and 1.0 are one), lists and tuples as arrays. What JSON has no form for
stands as a tag (tags.py), bytes by their SHA-256. An integer that no double holds is a tag too: RFC 8785
would round it, and two numbers would be one.
"""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

from threadkeep.errors import UsageError
from threadkeep.model.tags import kind_of, looks_tagged
from threadkeep.model.typed import path_of
from threadkeep.model.values import LEVELS, lowered

SAFE: Final = 1 << 53  # every integer up to here is a double


def canonical(value: object, place: str = "value") -> bytes:
    """Return the canonical JSON text of a value that the codec takes.

    Raises UsageError naming the path of what has no form: NaN and infinities, keys that are no str, cycles
    and other nesting over 64 levels, other types.
    """
    walk = _Walk(place)
    walk.write(value)
    return "".join(walk.out).encode("utf-8", "surrogatepass")


def digest(value: object, place: str = "value") -> str:
    """Return the SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value, place)).hexdigest()


class _Walk:
    """One walk over a value. `raw`: keys are the program's own, and one that looks like a tag is escaped."""

    def __init__(self, place: str) -> None:
        self.out: list[str] = []
        self.place = place
        self.steps: list[object] = []
        self.raw = True

    def write(self, value: Any) -> None:
        kind = kind_of(value)
        if kind is str:
            self.out.append(encode_basestring(value))
        elif kind is dict:
            self.write_object(value)
        elif kind is list or kind is tuple:
            self.write_array(value)
        elif value is None or kind is bool:
            self.out.append("null" if value is None else "true" if value else "false")
        elif kind is int and not _is_double(value):
            self.write_low({"$tk:int": hex(value)})
        elif kind is int:
            self.out.append(_number(float(value)) if abs(value) >= SAFE else str(value))
        elif kind is float and math.isfinite(value):
            self.out.append(_number(value))
        elif kind is bytes:
            self.write_low({"$tk:sha256": hashlib.sha256(value).hexdigest()})
        else:
            self.write_low(lowered(value, self.place + path_of(self.steps))[0])

    def write_low(self, low: Any) -> None:
        """Write what has been lowered: its tags are tags, its keys are escaped already."""
        raw, self.raw = self.raw, False
        self.write(low)
        self.raw = raw

    def write_object(self, value: dict[Any, Any]) -> None:
        self._deeper()
        for key in value:
            if type(key) is not str:
                raise UsageError(
                    f"{self.place}{path_of(self.steps)} has a key of type {type(key).__qualname__};"
                    " keys must be plain str"
                )
        separator = "{"
        for key in sorted(value, key=_utf16):
            name = f"${key}" if self.raw and looks_tagged(key) else key
            self.out.append(f"{separator}{encode_basestring(name)}:")
            self._inside(key, value[key])
            separator = ","
        self.out.append("}" if value else "{}")

    def write_array(self, value: list[Any] | tuple[Any, ...]) -> None:
        self._deeper()
        separator = "["
        for index, item in enumerate(value):
            self.out.append(separator)
            self._inside(index, item)
            separator = ","
        self.out.append("]" if value else "[]")

    def _inside(self, step: object, item: Any) -> None:
        self.steps.append(step)
        self.write(item)
        self.steps.pop()

    def _deeper(self) -> None:
        if len(self.steps) >= LEVELS:
            raise UsageError(
                f"{self.place} is nested over {LEVELS} levels or holds itself; pass a flatter value"
            )


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _is_double(value: int) -> bool:
    if abs(value) <= SAFE:
        return True
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _number(value: float) -> str:
    """Return a double as ECMAScript writes it: its shortest digits, an exponent only far from one."""
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the value is finite
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if len(text) <= point <= 21:
        text += "0" * (point - len(text))
    elif 0 < point <= 21:
        text = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{text}"
    else:
        head = text[0] + ("." + text[1:] if len(text) > 1 else "")
        text = f"{head}e{point - 1:+d}"
    return f"-{text}" if sign else text
