"""The key of a call: the SHA-256 of everything that was given, unless it is named as not to count."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, Signature
from typing import Any, Final, cast

from threadkeep.errors import UsageError
from threadkeep.model.canonical import digest
from threadkeep.model.refs import check_names
from threadkeep.model.tags import kind_of

Normalize = Callable[[dict[str, Any]], Any]
_DATA_URL: Final = re.compile(r"data:([^,]*?);base64,(.*)", re.DOTALL)


def key_of(
    given: object,
    ignore: Iterable[str] = (),
    normalize: Normalize | None = None,
    *,
    what: str = "args",
) -> str:
    """Return the key of what was given; `ignore` names entries that do not count.

    `normalize` takes each object in it and returns what stands for that.
    """
    left = set(check_names(ignore, "name in ignore=")) if ignore else set[str]()
    if left:
        if not isinstance(given, Mapping):
            raise UsageError(f"ignore= needs {what} to be a mapping")
        mapping = cast("Mapping[Any, Any]", given)
        given = {name: value for name, value in mapping.items() if name not in left}
    if normalize is not None:
        given = _normalized(given, normalize)
    return digest(given, what)


def _normalized(value: Any, normalize: Normalize, level: int = 0) -> Any:
    kind = kind_of(value)
    if level > 64:
        return value  # `digest` refuses it
    if kind is dict:
        return normalize({k: _normalized(v, normalize, level + 1) for k, v in value.items()})
    if kind is list or kind is tuple:
        return [_normalized(item, normalize, level + 1) for item in value]
    return value


def by_content(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block in which base64 data stands as the bytes it means.

    For `CacheOptions(normalize=by_content)`: a file then has one key as bytes, as base64 (in `data`, with or
    without line breaks) and as a `data:` URL. What only points to a file counts as it is written.
    """
    return {name: _bytes_in(name, value) for name, value in block.items()}


def _bytes_in(name: str, value: Any) -> Any:
    if kind_of(value) is not str:
        return value
    found = _DATA_URL.fullmatch(value) if value.startswith("data:") else None
    if found is None and name != "data":
        return value
    try:
        text = "".join((found[2] if found else value).split())
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return value
    return [found[1], data] if found else data


def arguments(
    signature: Signature, given: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by name, defaults included, so that one call has one form."""
    bound = signature.bind(*given, **named)
    bound.apply_defaults()
    found: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if signature.parameters[name].kind is Parameter.VAR_KEYWORD:
            found.update(value)
        else:
            found[name] = value
    return found
