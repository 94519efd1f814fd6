"""The wire form: a call to an engine, or its answer, as bytes.

    "tk", version, kind      4 bytes; the kind is a letter
    length of the head       4 bytes, big-endian, like all lengths
    number of values         4 bytes
    their lengths            4 bytes each
    head                     MessagePack: the operations, with an index in the place of each value
    values                   as they are, one after the other

Messages may follow one another: several batches are answered by as many replies, or failures, in order.

So a value is copied once on each side and never escaped. A decoder believes nothing: lengths are held
against the input before anything is allocated, and each value is named exactly once. Whatever is
wrong is a UsageError that says what; TooLarge where `limit` (bytes of the whole message) is passed.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import msgspec

from threadkeep.errors import TooLarge, UsageError
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due, Page, Query
from threadkeep.ops.reply import Reply
from threadkeep.ops.wire_checks import Checks, check_claims, check_due, check_page, check_reply
from threadkeep.ops.wire_shapes import Values, back, lifted, strict

MAGIC: Final = b"tk"
VERSION: Final = 1
Buffer = bytes | bytearray | memoryview

_START: Final = struct.Struct(">2sBcII")
_LONGEST: Final = (1 << 32) - 1
_KINDS: Final[dict[bytes, str]] = {
    b"B": "batch",
    b"R": "reply",
    b"Q": "query",
    b"P": "page",
    b"D": "due",
    b"C": "claims",
    b"F": "failure",
}
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)


class Failure(msgspec.Struct, frozen=True):
    """What stands in the place of the reply to one batch of several: what HTTP would have answered to it alone."""

    status: int
    body: bytes
    retry_after: str | None = None


def split(data: Buffer, *, most: int) -> list[memoryview]:
    """Return the messages that follow one another in these bytes, unread. UsageError over `most` of them."""
    view, found, at = memoryview(data).cast("B"), list[memoryview](), 0
    while at < len(view) or not found:
        if len(found) == most:
            raise UsageError(f"more than {most} messages in one call")
        if len(view) - at < _START.size:
            raise UsageError(f"the message is cut off after {len(view)} bytes")
        magic, _, _, head, count = _START.unpack_from(view, at)
        if magic != MAGIC:
            raise UsageError("this is no message of threadkeep")
        start = at + _START.size + 4 * count
        if start > len(view):
            raise UsageError(f"the message is cut off after {len(view)} bytes")
        end = start + head + sum(struct.unpack_from(f">{count}I", view, at + _START.size))
        if end > len(view):
            raise UsageError(f"the message is cut off after {len(view)} of {end} bytes")
        found.append(view[at:end])
        at = end
    return found


class _Form:
    """One kind of message."""

    def __init__(self, kind: bytes, type_: Any) -> None:
        self.kind = kind
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(strict(type_))
        self._back = back(type_)

    def encode(self, message: object) -> bytes:
        values: list[bytes] = []
        try:
            plain = lifted(msgspec.to_builtins(message, builtin_types=(bytes,)), values)
            head = msgspec.msgpack.encode(plain)
        except (UnicodeEncodeError, OverflowError, TypeError) as error:
            raise UsageError(f"the {_KINDS[self.kind]} cannot be sent: {error}") from error
        lengths = [len(value) for value in values]
        if max(len(head), *lengths, 0) > _LONGEST:
            raise TooLarge(f"a value of the {_KINDS[self.kind]} is longer than {_LONGEST} bytes")
        start = _START.pack(MAGIC, VERSION, self.kind, len(head), len(values))
        return b"".join((start, struct.pack(f">{len(lengths)}I", *lengths), head, *values))

    def decode(self, data: Buffer, limit: int) -> Any:
        view = memoryview(data).cast("B")
        if len(view) > limit:
            raise TooLarge(f"the message is {len(view)} bytes long; the limit is {limit}")
        start, end, lengths = self._frame(view)
        values = Values(view, end, lengths)
        try:
            found = self._decoder.decode(view[start:end])
        except _UNREADABLE as error:
            raise UsageError(f"the {_KINDS[self.kind]} cannot be read: {_reason(error)}") from error
        message = found if self._back is None else self._back(found, values)
        values.finish()
        return message

    def _frame(self, view: memoryview) -> tuple[int, int, tuple[int, ...]]:
        """Return where the head starts and ends, and the lengths of the values."""
        if len(view) < _START.size:
            raise UsageError(f"the message is cut off after {len(view)} bytes")
        magic, version, kind, head, count = _START.unpack_from(view)
        if magic != MAGIC:
            raise UsageError("this is no message of threadkeep")
        if version != VERSION:
            raise UsageError(f"wire version {version} is unknown; this release speaks {VERSION}")
        if kind != self.kind:
            found = _KINDS.get(kind, "message of an unknown kind")
            raise UsageError(f"expected a {_KINDS[self.kind]}, got a {found}")
        start = _START.size + 4 * count
        if start + head > len(view):
            raise UsageError(f"the message is cut off after {len(view)} bytes")
        lengths = struct.unpack_from(f">{count}I", view, _START.size)
        whole = start + head + sum(lengths)
        if whole > len(view):
            raise UsageError(f"the message is cut off after {len(view)} of {whole} bytes")
        if whole < len(view):
            raise UsageError(f"the message goes on after its end at byte {whole}")
        return start, start + head, lengths


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "a name is not valid UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


_BATCH: Final = _Form(b"B", Batch)
_REPLY: Final = _Form(b"R", Reply)
_QUERY: Final = _Form(b"Q", Query)
_PAGE: Final = _Form(b"P", Page)
_DUE: Final = _Form(b"D", Due)
_CLAIMS: Final = _Form(b"C", tuple[Claim, ...])
_FAILURE: Final = _Form(b"F", Failure)


def encode_batch(batch: Batch) -> bytes:
    """Return a batch as bytes. UsageError for what no engine could take: text that is no Unicode."""
    return _BATCH.encode(batch)


def decode_batch(data: Buffer, *, limit: int, trusted: bool = False) -> Batch:
    """Return the batch of these bytes, fit to be run.

    `limit`: the most bytes the message may have. `trusted`: the sender is this program too and may
    name hidden maps. Raises UsageError, and nothing else, for what is not a batch, and for names,
    numbers and combinations that cannot be; TooLarge over the limit.
    """
    batch: Batch = _BATCH.decode(data, limit)
    Checks(trusted=trusted).batch(batch)
    return batch


def encode_reply(reply: Reply) -> bytes:
    """Return a reply as bytes."""
    return _REPLY.encode(reply)


def decode_reply(data: Buffer, *, limit: int) -> Reply:
    """Return the reply of these bytes; UsageError, and nothing else, when they are none."""
    reply: Reply = _REPLY.decode(data, limit)
    check_reply(reply)
    return reply


def encode_failure(failure: Failure) -> bytes:
    """Return a failure as bytes."""
    return _FAILURE.encode(failure)


def decode_answer(data: Buffer, *, limit: int) -> Reply | Failure:
    """Return what answers one batch of several; UsageError, and nothing else, when it is neither."""
    if bytes(data[3:4]) != _FAILURE.kind:
        return decode_reply(data, limit=limit)
    failure: Failure = _FAILURE.decode(data, limit)
    if not 400 <= failure.status <= 599:
        raise UsageError(f"status {failure.status} is none of a failure")
    return failure


def encode_query(query: Query) -> bytes:
    """Return a query as bytes."""
    return _QUERY.encode(query)


def decode_query(data: Buffer, *, limit: int, trusted: bool = False) -> Query:
    """Return the query of these bytes, checked as `decode_batch` does."""
    query: Query = _QUERY.decode(data, limit)
    Checks(trusted=trusted).query(query)
    return query


def encode_page(page: Page) -> bytes:
    """Return a page of a listing as bytes."""
    return _PAGE.encode(page)


def decode_page(data: Buffer, *, limit: int) -> Page:
    """Return the page of these bytes; UsageError, and nothing else, when they are none."""
    page: Page = _PAGE.decode(data, limit)
    check_page(page)
    return page


def encode_due(due: Due) -> bytes:
    """Return a request for claims as bytes."""
    return _DUE.encode(due)


def decode_due(data: Buffer, *, limit: int) -> Due:
    """Return the request for claims of these bytes, checked as `decode_batch` does."""
    due: Due = _DUE.decode(data, limit)
    check_due(due)
    return due


def encode_claims(claims: tuple[Claim, ...]) -> bytes:
    """Return claims as bytes."""
    return _CLAIMS.encode(claims)


def decode_claims(data: Buffer, *, limit: int) -> tuple[Claim, ...]:
    """Return the claims of these bytes; UsageError, and nothing else, when they are none."""
    claims: tuple[Claim, ...] = _CLAIMS.decode(data, limit)
    check_claims(claims)
    return claims
