"""User parts: pieces of content that wait for the next user message.

A part is plain JSON, so that one set over any route is one: `{"part_type": ..., "data": ...}`, with `order`
and `uses` where they were given. Images and files hold base64 or a URL.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, cast

from threadkeep.errors import UsageError

PREFIX: Final = "__user_part_"
KINDS: Final = ("text", "image", "file", "data")
FILES: Final = ("image", "file")
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def text_part(text: str) -> dict[str, Any]:
    """Return a part of text."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise UsageError(f"text must be a str, not {type(text).__name__}")
    return {"part_type": "text", "data": text}


def data_part(data: Any) -> dict[str, Any]:
    """Return a part of any JSON."""
    return {"part_type": "data", "data": data}


def file_part(
    kind: str, data: bytes | str | None, url: str | None, mime_type: str | None, name: str | None
) -> dict[str, Any]:
    """Return an image or a file, by bytes, base64 or URL. UsageError for what it cannot be."""
    if (data is None) == (url is None):
        raise UsageError("pass data= or url=")
    if url is not None:
        _check_url(url)
        if mime_type is None:
            raise UsageError("a part by URL needs mime_type=")
        return _file(kind, {"type": "url", "url": url}, mime_type, name)
    raw = data if isinstance(data, bytes) else unpacked(cast("str", data))
    found = sniffed(raw)
    declared = mime_type or found
    if declared is None:
        raise UsageError("the media type cannot be told from the content; pass mime_type=")
    _check_type(kind, declared, found)
    return _file(kind, {"type": "bytes", "bytes": base64.b64encode(raw).decode()}, declared, name)


def _file(kind: str, where: dict[str, Any], mime_type: str, name: str | None) -> dict[str, Any]:
    return {"part_type": kind, "data": {**where, "mime_type": mime_type, "name": name}}


def unpacked(text: str) -> bytes:
    """Return the bytes of base64 text; UsageError for what is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("the content is no base64") from None


def sniffed(raw: bytes) -> str | None:
    """Return the media type that the first bytes show; None where they show none."""
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if raw.startswith(magic)), None)


def _check_type(kind: str, declared: str, found: str | None) -> None:
    if kind == "image" and not declared.startswith("image/"):
        raise UsageError(f"an image cannot be of type {declared!r}")
    if found is not None and found != declared:
        raise UsageError(f"the content is {found}, not {declared} as declared")


def _check_url(url: str) -> None:
    if not url.startswith(("https://", "http://")):
        raise UsageError("the URL of a part must begin with https:// or http://")


def checked(part: Any) -> dict[str, Any]:
    """Return a part as it may be stored; UsageError says what is wrong with it."""
    if not isinstance(part, dict):
        raise UsageError("a part is an object with part_type and data")
    found = cast("dict[str, Any]", part)
    kind, data = found.get("part_type"), found.get("data")
    if not isinstance(kind, str) or "data" not in found:
        raise UsageError("a part is an object with part_type and data")
    if kind == "text":
        text_part(cast("str", data))
    elif kind in FILES:
        _check_file(kind, data)
    return found


def _check_file(kind: str, data: Any) -> None:
    given = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    declared = given.get("mime_type")
    if not isinstance(declared, str):
        raise UsageError(f"an {kind} part needs mime_type")
    if given.get("type") == "url" and isinstance(given.get("url"), str):
        _check_url(given["url"])
    elif given.get("type") == "bytes" and isinstance(given.get("bytes"), str):
        _check_type(kind, declared, sniffed(unpacked(given["bytes"])))
    else:
        raise UsageError(f"the data of an {kind} part is of type bytes or url")


def resolved(value: Any) -> list[dict[str, Any]]:
    """Return the parts that a stored value means: a part, a list of them, text, or other JSON as text."""
    if isinstance(value, list) and value and all(map(is_part, cast("list[Any]", value))):
        return cast("list[dict[str, Any]]", value)
    if is_part(value):
        return [cast("dict[str, Any]", value)]
    return [text_part(value)] if isinstance(value, str) else [data_part(value)]


def is_part(value: Any) -> bool:
    """Tell whether a value has the form of a part."""
    return isinstance(value, dict) and {"part_type", "data"} <= cast("dict[str, Any]", value).keys()
