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
    found = raw.partition(b"?")[0].split(b"/")[1:]
    root = _mounted(scope.get("root_path", ""))
    if root and tuple(map(unquote_to_bytes, found[: len(root)])) == root:
        found = found[len(root) :]
    return tuple(map(_decoded, found))


def _mounted(root: str) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in root.split("/") if part)


def _decoded(segment: bytes) -> str:
    plain = unquote_to_bytes(segment) if b"%" in segment else segment
    try:
        return plain.decode()
    except UnicodeDecodeError:
        raise UsageError("the path is not UTF-8 after percent-decoding") from None
