"""User parts: pieces of content that wait for the next user message.

A part is plain JSON, so that one set over any route is one: `{"part_type": ..., "data": ...}`, with `order`,
`uses` and `tokens` where they were given. Images and files hold base64 or a URL.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final, cast

import msgspec

from threadkeep.errors import TooLarge, UsageError
from threadkeep.model.media import check_content, media_type, sniffed

PREFIX: Final = "__user_part_"
FILES: Final = ("image", "file")
_NUMBERS: Final = {"order": -1_000_000, "uses": 1, "tokens": 0}  # and the least that each may be
_MOST: Final = 1_000_000_000


def text_part(text: str) -> dict[str, Any]:
    """Return a part of text."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise UsageError(f"the text must be a str, not {type(text).__name__}")
    return {"part_type": "text", "data": text}


def data_part(data: Any) -> dict[str, Any]:
    """Return a part of any JSON."""
    return {"part_type": "data", "data": data}


def file_part(
    kind: str, data: bytes | str | None, url: str | None, mime_type: str | None, name: str | None
) -> dict[str, Any]:
    """Return an image or a file, by bytes, base64 or URL. UsageError for what it cannot be."""
    if (data is None) == (url is None):
        raise UsageError("pass data= or url=, the content or where it is; one of the two")
    if url is not None:
        if mime_type is None:
            raise UsageError("a part by URL needs mime_type=")
        return _file(kind, {"type": "url", "url": url}, mime_type, name)
    if not isinstance(data, (bytes, bytearray, memoryview, str)):
        raise UsageError(f"the content must be bytes or base64, not {type(data).__name__}")
    raw = unpacked(data) if isinstance(data, str) else bytes(data)
    declared = mime_type or sniffed(raw)
    if declared is None:
        raise UsageError("the media type cannot be told from the content; pass mime_type=")
    return _file(kind, {"type": "bytes", "bytes": packed(raw)}, declared, name)


def _file(kind: str, where: dict[str, Any], mime_type: str, name: str | None) -> dict[str, Any]:
    return {"part_type": kind, "data": {**where, "mime_type": mime_type, "name": name}}


def packed(raw: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(raw).decode()


def unpacked(text: str) -> bytes:
    """Return the bytes of base64 text; UsageError for what is none, to the last bit."""
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"the content is no base64: {str(error).lower()}") from None
    if packed(raw) != text:
        raise UsageError("the content is no base64: its last character holds stray bits")
    return raw


def with_use(part: dict[str, Any], **numbers: int | None) -> dict[str, Any]:
    """Return the part with its place (`order`), how often it may be used and its tokens, where given."""
    return {**part, **{name: number for name, number in numbers.items() if number is not None}}


def checked(part: Any, limit: int, *, sniff: bool = True) -> dict[str, Any]:
    """Return a part as it may be stored; UsageError says what is wrong with it.

    `limit`: the most bytes that its content may have; over it TooLarge. `sniff` False takes the word of a
    declared media type whose mark the content lacks.
    """
    if not isinstance(part, dict) or not is_part(part):
        raise UsageError("a part is an object with part_type (text) and data")
    found = cast("dict[str, Any]", part)
    _check_numbers(found)
    kind, data = found["part_type"], found["data"]
    if kind == "text":
        text_part(data)
    size = len(_checked_file(kind, data, sniff=sniff)) if kind in FILES else weight(data)
    if size > limit:
        raise TooLarge(f"the content takes {size} bytes; the limit of parts is {limit}")
    return found


def _check_numbers(part: dict[str, Any]) -> None:
    for name, least in _NUMBERS.items():
        if name in part and (type(part[name]) is not int or not least <= part[name] <= _MOST):
            raise UsageError(f"{name} is {part[name]!r}; pass a whole number, {least} or more")


def _checked_file(kind: str, data: Any, *, sniff: bool) -> bytes:
    """Return the content of an image or a file, that of the URL being none of ours to know."""
    given = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    declared, name = given.get("mime_type"), given.get("name")
    if not isinstance(declared, str):
        raise UsageError(f"the data of a part of type {kind} needs mime_type")
    if name is not None and not isinstance(name, str):
        raise UsageError(f"the name of the file must be text, not {type(name).__name__}")
    if kind == "image" and not media_type(declared).startswith("image/"):
        raise UsageError(f"an image cannot be of type {declared!r}")
    media_type(declared)
    if given.get("type") == "url" and isinstance(given.get("url"), str):
        if not given["url"].startswith(("https://", "http://")):
            raise UsageError("the URL of a part must begin with https:// or http://")
        return b""
    if given.get("type") != "bytes" or not isinstance(given.get("bytes"), str):
        raise UsageError(f"the data of a part of type {kind} has type bytes or url, and that")
    raw = unpacked(given["bytes"])
    if not raw:
        raise UsageError("the content is empty")
    check_content(declared, raw, sniff=sniff)
    return raw


def resolved(value: Any) -> list[dict[str, Any]]:
    """Return the parts that a stored value means: a part, a list of them, text, or other JSON as text."""
    if isinstance(value, list) and value and all(map(is_part, cast("list[Any]", value))):
        return cast("list[dict[str, Any]]", value)
    if is_part(value):
        return [cast("dict[str, Any]", value)]
    return [text_part(value)] if isinstance(value, str) else [data_part(value)]


def is_part(value: Any) -> bool:
    """Tell whether a value has the form of a part."""
    if not isinstance(value, dict):
        return False
    given = cast("dict[str, Any]", value)
    return isinstance(given.get("part_type"), str) and "data" in given


def text_of(data: Any) -> str:
    """Return the text that stands for the data of a part that is no file."""
    if isinstance(data, str):
        return data
    try:
        return msgspec.json.encode(data).decode()
    except UnicodeEncodeError:  # a lone surrogate, which stands as an escape then
        return json.dumps(msgspec.to_builtins(data), separators=(",", ":"))


def weight(data: Any) -> int:
    """Return the bytes of what is shown as text."""
    return len(text_of(data).encode("utf-8", "surrogatepass"))
