"""What an increment does to a stored number; engines and wrappers share it."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from threadkeep.errors import UsageError

INT64: Final = 1 << 63


def increased(value: bytes | None, by: float, name: str) -> int | float:
    """Return the stored number plus `by`; None, an absent field, counts as 0.

    `name`: the field, for errors. Raises UsageError when something else than a number stands there or
    the sum leaves the range.
    """
    number = 0 if value is None else _number(value, name)
    try:
        total = number + by
    except OverflowError:  # a stored integer beyond every float, and a float to add
        total = math.inf
    if isinstance(total, float) and not math.isfinite(total):
        raise UsageError(refused("range", name))
    if isinstance(total, int) and not -INT64 <= total < INT64:
        raise UsageError(refused("integers", name))
    return total


def refused(why: str, name: str) -> str:
    """Return why a field cannot be increased: it holds no `number`, or the sum leaves a range."""
    if why == "number":
        return f"field {name!r} does not hold a number; increment needs one"
    kind = "64-bit integers" if why == "integers" else "numbers"
    return f"increment of {name!r} would leave the range of {kind}"


def stored(number: float) -> bytes:
    """Return the stored form of a number, the one that `codec.encode` gives."""
    return b"j" + msgspec.json.encode(number)


def _number(value: bytes, name: str) -> int | float:
    try:
        number = msgspec.json.decode(value[1:]) if value[:1] == b"j" else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        number = None
    if type(number) is int or type(number) is float:
        return number
    raise UsageError(refused("number", name))
