"""Batches as the functions in the server take them, and replies as they return them.

The head is JSON, with an index in the place of each value; the values go beside it, as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from threadkeep.errors import CodecError, UsageError
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Listed
from threadkeep.ops.ops import Set
from threadkeep.ops.reply import Names, Reply
from threadkeep.ops.wire_shapes import Values, back, lifted, strict


class Job(msgspec.Struct, frozen=True):
    """A batch as it is sent. `again`: it may be sent once more after a lost connection."""

    batch: Batch
    text: str
    values: list[bytes]
    weight: int
    again: bool


def job_of(batch: Batch) -> Job:
    """Return a batch as it is sent. UsageError for a name that cannot be."""
    values: list[bytes] = []
    plain = lifted(msgspec.to_builtins(batch, builtin_types=(bytes,)), values)
    for op in plain["ops"]:
        if op["type"] == "incr":  # as text: JSON numbers in the server do not tell 2 from 2.0
            op["by"] = msgspec.json.encode(op.get("by", 1)).decode()
    try:
        text = msgspec.json.encode(plain).decode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"a name of the batch is not valid Unicode text: {error.reason}"
        ) from error
    return Job(batch, text, values, len(text) + sum(map(len, values)), batch.repeatable)


class _Given:
    """The values beside a reply."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values = values

    def take(self, index: int) -> bytes:
        return self._values[index]


_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(strict(Reply))
_back: Final = back(Reply)


def reply_of(batch: Batch, text: str, values: Sequence[bytes]) -> Reply:
    """Return the reply to a batch."""
    assert _back is not None  # noqa: S101 - a reply has parts
    try:
        reply: Reply = _back(_decoder.decode(text), cast("Values", _Given(values)))
    except (msgspec.MsgspecError, IndexError) as error:
        raise CodecError(f"the reply for {batch.ref} cannot be read: {error}") from error
    return _in_order(batch, reply)


def _in_order(batch: Batch, reply: Reply) -> Reply:
    """Name skipped fields in the order in which they were given."""
    results = list(reply.results)
    if not reply.ok:
        return reply
    for at, (op, result) in enumerate(zip(batch.ops, results, strict=False)):
        if type(op) is Set and isinstance(result, Names) and len(result.names) > 1:
            results[at] = Names(tuple(name for name in op.items if name in result.names))
    return msgspec.structs.replace(reply, results=tuple(results))


class Row(msgspec.Struct, frozen=True):
    """One entity of a listing with its place."""

    listed: int
    entry: Listed


claims_of: Final = msgspec.json.Decoder(list[Claim]).decode
rows_of: Final = msgspec.json.Decoder(list[Row]).decode
