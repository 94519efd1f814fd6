r"""The stored form of a value: one format byte, then the body.

    j  plain JSON text                       t  JSON text with tags (tags.py)
    s  like j, u  like t, for text with lone surrogates, which stand as escapes (`\ud83d`)
    b  bytes as they are

JSON is UTF-8 and stays readable. A zone of a datetime is stored as the offset it had.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NoReturn, TypeVar, overload

import msgspec

from threadkeep.errors import CodecError, TooLarge
from threadkeep.model.tags import restored
from threadkeep.model.typed import as_type
from threadkeep.model.values import is_plain, lowered

T = TypeVar("T")

_J, _T, _S, _U, _B = b"jtsub"

_to_json: Final = msgspec.json.Encoder().encode
_from_json: Final = msgspec.json.Decoder().decode
_to_wide_json: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
).encode
_SURROGATE: Final = re.compile(r"\\(?:u(d[89a-f][0-9a-f]{2})|.)", re.IGNORECASE | re.DOTALL)
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)


def encode(value: object, *, limit: int | None = None, place: str = "value") -> bytes:
    """Return the stored form of a value; `decode` gives back an equal value of the same types.

    Takes None, bool, int, float, str, list and dict with str keys, bytes, aware datetimes,
    Decimal, UUID, set and tuple, nested up to 64 levels, exactly of these types. A datetime keeps
    its instant and offset; a zone name becomes the offset, in which `fold` is resolved. Structs,
    dataclasses and pydantic models are stored as their plain content, the enums in them by value:
    `decode` gives that content, `decode_as` the model.
    `limit`: the most bytes the stored form may have, None for any. `place`: the name in errors.
    Raises UsageError naming the path of what cannot be stored, TooLarge over the limit.
    """
    kind = type(value)
    try:
        if kind is str or kind is bool or value is None:
            data = b"j" + _to_json(value)
        elif type(value) is bytes:
            data = b"b" + value
        elif is_plain(value):
            data = b"j" + _to_json(value)
        else:
            data = _encode_lowered(value, place)
    except UnicodeEncodeError:
        data = b"s" + _escaped(value)
    if limit is not None and len(data) > limit:
        raise TooLarge(
            f"{place} takes {len(data)} bytes, the limit is {limit}; store less or raise the limit",
            place=place,
        )
    return data


def _encode_lowered(value: object, place: str) -> bytes:
    low, tagged = lowered(value, place)
    try:
        return (b"t" if tagged else b"j") + _to_json(low)
    except UnicodeEncodeError:
        return (b"u" if tagged else b"s") + _escaped(low)


def _escaped(low: object) -> bytes:
    """Return JSON text in which exactly the lone surrogates stand as escapes."""
    return _to_wide_json(low).encode("utf-8", "backslashreplace")


def decode(data: bytes | memoryview, *, place: str = "value") -> object:
    """Return the value that `encode` stored.

    `place` names the value in errors. Raises CodecError for bytes that are corrupt, cut off or of a
    newer format, and nothing else.
    """
    try:
        form = data[0]
        if form == _J:
            return _from_json(data[1:])
        if form == _B:
            return bytes(data[1:])
        if form == _T:
            return _decode_tagged(data[1:])
        if form in (_S, _U):
            parsed = _strict_json(bytes(data[1:]))
            return parsed if form == _S else restored(parsed, [])
    except IndexError:
        raise CodecError(f"{place} cannot be read: it is empty", place=place) from None
    except _UNREADABLE as error:
        _refuse(error, place)
    raise CodecError(
        f"{place} cannot be read: format byte 0x{form:02x} is unknown; it is corrupt, encrypted or"
        " written by a newer version of threadkeep",
        place=place,
    )


@overload
def decode_as(data: bytes | memoryview, type_: type[T], *, place: str = "value") -> T: ...
@overload
def decode_as(data: bytes | memoryview, type_: object, *, place: str = "value") -> Any: ...
def decode_as(data: bytes | memoryview, type_: Any, *, place: str = "value") -> Any:
    """Return the value that `encode` stored, as `type_`; nothing is coerced on the way.

    `type_`: what msgspec can convert to (Structs, dataclasses, TypedDicts, NamedTuples, enums,
    containers of them, unions), or a type with pydantic models (pydantic 2.11 or later). A list and
    a tuple are each read as what the type says (`Sequence` says list), an int as a float where they
    are equal.
    Raises CodecError naming the place of what does not fit, and as `decode` does; UsageError for a
    type that nothing can be read as.
    """
    return as_type(decode(data, place=place), type_, place)


# --- reading what is not plain JSON -------------------------------------------------------------


def _decode_tagged(body: bytes | memoryview) -> Any:
    tags: list[str] = []
    value = restored(_from_json(body), tags)
    if bytes(body).count(b'"$tk:') != len(tags):
        # a string that looks like a tag, or a tag twice in one object: the slow parser tells
        _strict_json(bytes(body))
    return value


def _strict_json(body: bytes) -> Any:
    """Parse JSON, refusing keys that occur twice; an escaped surrogate is never half of a pair."""
    return _STRICT.decode(_SURROGATE.sub(_raw_surrogate, body.decode()))


def _raw_surrogate(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else found[0]


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
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


def _refuse(error: Exception, place: str) -> NoReturn:
    reason = str(error)
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    elif isinstance(error, UnicodeDecodeError):
        reason = f"invalid UTF-8 at byte {error.start}"
    raise CodecError(f"{place} cannot be read: {reason}", place=place) from error
