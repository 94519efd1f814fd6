"""JSON as requests bring it and answers carry it.

A request's JSON is read strictly: a name that stands twice, NaN or a number that no float can hold is
refused, for something would be lost. Lone surrogates, which models do emit, come and go as escapes.
Values that JSON has no form for (bytes, Decimal, datetime, UUID, set, tuple) go out as text or arrays.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

import msgspec

from threadkeep.errors import UsageError

_encode: Final = msgspec.json.Encoder().encode


def to_json(value: object) -> bytes:
    """Return a value as JSON text."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()


def from_json(body: bytes) -> Any:
    """Return the value of JSON text; UsageError says what is wrong with it."""
    try:
        return _STRICT.decode(body.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise UsageError("nested too deeply") from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_without_twins, parse_float=_finite, parse_constant=_no_constant
)
