"""Batches as the functions in the server take them, and replies as they return them.

The head is JSON, with an index in the place of each value; the values go beside it, as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from threadkeep.engines.reads import renews
from threadkeep.engines.sql.postgres.plain import FEW, is_plain, plain_head
from threadkeep.errors import CodecError, UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Listed
from threadkeep.ops.ops import AnyOp, Append, Drop, Incr, Label, Restore, Set, Touch
from threadkeep.ops.reply import Names, Reply
from threadkeep.ops.wire_shapes import Values, back, lifted, strict


class Job(msgspec.Struct, frozen=True):
    """A batch as it is sent. `again`: it may be sent once more after a lost connection."""

    batch: Batch
    text: str
    values: list[bytes]
    weight: int
    again: bool

    def weigh(self) -> int:
        """Return the bytes that are sent."""
        return self.weight

    def of(self) -> Ref:
        """Return the entity."""
        return self.batch.ref


def job_of(batch: Batch) -> Job:
    """Return a batch as it is sent. UsageError for a name that cannot be."""
    if is_plain(batch):
        return _job(batch, *plain_head(batch))
    values: list[bytes] = []
    head = lifted(msgspec.to_builtins(batch, builtin_types=(bytes,)), values)
    for op in head["ops"]:
        if op["type"] == "incr":  # as text: JSON numbers in the server do not tell 2 from 2.0
            op["by"] = msgspec.json.encode(op.get("by", 1)).decode()
        elif op["type"] == "set" and len(op["items"]) > FEW:
            op["many"] = True
    head |= _nature(batch)
    head["values"] = len(values)
    return _job(batch, head, values)


def _job(batch: Batch, head: dict[str, Any], values: list[bytes]) -> Job:
    try:
        text = msgspec.json.encode(head).decode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"a name of the batch is not valid Unicode text: {error.reason}"
        ) from error
    return Job(batch, text, values, len(text) + sum(map(len, values)), batch.repeatable)


def _nature(batch: Batch) -> dict[str, Any]:
    """Return what is known of a batch before it is run; the functions in the server ask for it by these names."""
    ops = batch.ops
    found = {
        "writes": batch.writes,
        "reads": not all(op.writes for op in ops),
        "renews": renews(ops),
        "otherwise_renews": renews(batch.otherwise),
        "makes": any(_makes(op) for op in ops),
        "drops": any(type(op) is Drop for op in ops),
    }
    leases = [op for op in ops if type(op) is Touch and op.map is None and op.lease is not None]
    standing = [op.lease for op in leases if not op.birth]
    if leases:
        found["birth_lease"] = msgspec.to_builtins(leases[-1].lease)
    if standing:
        found["lease"] = msgspec.to_builtins(standing[-1])
    return found


def _makes(op: AnyOp) -> bool:
    """Tell whether an operation may make an entity of nothing."""
    if isinstance(op, Restore):
        return bool(op.items) or op.head > 0
    if isinstance(op, Append | Set):
        return bool(op.items)
    return isinstance(op, Incr | Label)


class _Given:
    """The values beside a reply."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values = values

    def take(self, index: int) -> bytes:
        return self._values[index]


_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(strict(Reply))
_back: Final = back(Reply)


def reply_of(job: Job, row: tuple[str | None, Sequence[bytes]]) -> Reply | None:
    """Return the reply to a batch; None when it must be run by the function for writes."""
    batch, (text, values) = job.batch, row
    if text is None:
        return None
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
