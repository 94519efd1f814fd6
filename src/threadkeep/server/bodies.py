"""The body of a request: bounded as it comes, bounded again when it is unpacked."""

from __future__ import annotations

import zlib

from starlette.types import Receive

from threadkeep.errors import ThreadkeepError, TooLarge, UsageError
from threadkeep.server.deadline import Deadline
from threadkeep.server.request import Request

GZIP = 31  # zlib: with the gzip header
PIECE = 1 << 16
_GZIP = ("gzip", "x-gzip")


class Refused(ThreadkeepError):
    """A request that is refused with a status of its own, before anything is read or written."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


async def body_of(request: Request, limit: int, deadline: Deadline) -> bytes:
    """Return the body, unpacked where it is gzip.

    `limit`: the most bytes it may have, packed and unpacked. `deadline`: by which it must come.
    """
    packing = (request.header(b"content-encoding") or "identity").strip().lower()
    if packing not in {"identity", "", *_GZIP}:
        raise Refused(415, f"content encoding {packing[:40]!r} is unknown; send gzip or identity")
    length = request.headers.get(b"content-length", b"")
    declared = int(length) if length.isdigit() else None
    if declared is not None and declared > limit:
        raise _too_large(limit)
    try:
        with deadline.block():
            raw = await _read(request.receive, limit, declared if request.framed else None)
    except TimeoutError:
        raise Refused(408, f"the body did not come within {deadline.seconds:g} seconds") from None
    if declared is not None and len(raw) != declared:
        raise UsageError(f"the body is cut off after {len(raw)} of {declared} bytes")
    return unpacked(raw, limit) if packing in _GZIP else raw


async def _read(receive: Receive, limit: int, end: int | None) -> bytes:
    """Return the body; where `end` bytes are all that can come, nothing is waited for after them."""
    pieces: list[bytes] = []
    size = 0
    more = end != 0
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UsageError("the body is cut off")
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
        more = message.get("more_body", False) and size != end
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def unpacked(raw: bytes, limit: int) -> bytes:
    """Return the content of gzip data; never more than `limit` bytes are made."""
    found: list[bytes] = []
    size = 0
    while raw:
        member = zlib.decompressobj(GZIP)
        try:
            while not member.eof:
                piece = member.decompress(raw, PIECE)
                raw = member.unconsumed_tail
                size += len(piece)
                if size > limit:
                    raise _too_large(limit)
                found.append(piece)
                if not piece and not raw and not member.eof:
                    raise UsageError("Failed to decompress gzip body: it is cut off")
        except zlib.error as error:
            raise UsageError(f"Failed to decompress gzip body: {error}") from None
        raw = member.unused_data
    return b"".join(found)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over the limit of {limit} bytes")
