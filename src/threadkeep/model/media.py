"""Media types: what is declared, and what the first bytes of a content show."""

from __future__ import annotations

import re
from typing import Final

from threadkeep.errors import UsageError

_SHAPE: Final = re.compile(r"[a-z0-9][\w.+-]{0,126}/[a-z0-9][\w.+-]{0,126}", re.ASCII)
_SAME: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "application/x-pdf": "application/pdf",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
}
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_SHOWN: Final = frozenset([*(kind for _, kind in _MAGIC), *_RIFF.values()])
UNKNOWN: Final = "application/octet-stream"


def media_type(declared: str) -> str:
    """Return a media type in its usual spelling, without parameters; UsageError for what is none."""
    plain = declared.partition(";")[0].strip().lower()
    if not _SHAPE.fullmatch(plain):
        raise UsageError(f"the media type {declared[:100]!r} is none; write it as image/png")
    return _SAME.get(plain, plain)


def sniffed(raw: bytes) -> str | None:
    """Return the media type that the first bytes show; None where they show none."""
    if raw[:4] == b"RIFF":
        return _RIFF.get(raw[8:12])
    return next((kind for magic, kind in _MAGIC if raw.startswith(magic)), None)


def check_content(declared: str, raw: bytes, *, sniff: bool = True) -> None:
    """Raise UsageError where the content shows another media type than the one declared.

    `sniff` False lets a content pass that shows none, though the declared type has a mark to begin with.
    """
    kind, found = media_type(declared), sniffed(raw)
    if kind in {found, UNKNOWN}:
        return
    if found is not None:
        raise UsageError(f"the content is {found}, not {declared} as declared")
    if sniff and kind in _SHOWN:
        raise UsageError(f"the content does not begin as {declared} does")
