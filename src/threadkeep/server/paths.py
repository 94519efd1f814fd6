"""The path of a request as segments: split where it is still encoded, then each decoded once.

So ids and keys may hold `/`, `%` and dots. Nothing is merged, resolved or redirected: a path that was
normalised on its way (`DELETE /sessions/s/` for the key `..`) names no resource and is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from threadkeep.errors import UsageError


def segments_of(scope: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the decoded segments of a request's path below the place where the application is mounted.

    UsageError for one that is not UTF-8.
    """
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    raw = raw.partition(b"?")[0]
    found = raw.split(b"/")[1:]
    root = scope.get("root_path")
    if root:
        found = _below(found, root)
    elif b"%" not in raw:  # the whole is decoded at once
        return tuple(_text(raw).split("/")[1:])
    return tuple(_text(unquote_to_bytes(segment)) for segment in found)


def _below(segments: list[bytes], root: str) -> list[bytes]:
    """Return the segments below the place where the application is mounted."""
    mounted = [part.encode() for part in root.split("/") if part]
    if [*map(unquote_to_bytes, segments[: len(mounted)])] == mounted:
        return segments[len(mounted) :]
    return segments


def _text(plain: bytes) -> str:
    try:
        return plain.decode()
    except UnicodeDecodeError:
        raise UsageError("the path is not UTF-8 after percent-decoding") from None
