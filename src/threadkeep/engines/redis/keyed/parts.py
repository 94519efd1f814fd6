"""A batch in two parts: what the script for fields does, and what the engine underneath does.

The engine underneath keeps a mark for each field that was written here (its lease, no value), so that
revisions, listings, epochs, leases of threads and limits are what they are in any other layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from threadkeep.engines.redis.keys import main_map
from threadkeep.errors import CodecError, UsageError
from threadkeep.model.codec import decode, encode
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Del,
    Drop,
    Get,
    Incr,
    Missing,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import AnyResult, Count, Field, Fields, Names

KIND: Final = "thread"
STATE: Final = main_map(KIND)
MARK: Final = (
    b"k"  # a format that the codec does not know: without layout=keys it is an error, not a value
)
FieldGuard = Missing | Same


def on_fields(part: AnyOp | AnyGuard) -> bool:
    """Tell whether a part of a batch is about fields of the thread."""
    return getattr(part, "map", None) == STATE


def field_guards(batch: Batch) -> dict[int, FieldGuard]:
    """Return the guards on fields, by their number in the batch."""
    return {
        n: guard
        for n, guard in enumerate(batch.guards)
        if isinstance(guard, (Missing, Same)) and on_fields(guard)
    }


def concerns(batch: Batch) -> bool:
    """Tell whether a batch has to do with keys of fields at all."""
    if batch.ref.kind != KIND:
        return False
    parts = (*batch.ops, *batch.otherwise, *batch.guards)
    return any(on_fields(part) or isinstance(part, Drop) for part in parts)


def refuse(batch: Batch) -> None:
    """Raise UsageError for what cannot be kept in this layout."""
    for op in batch.ops:
        if on_fields(op) and getattr(op, "refs", None):
            raise UsageError("with layout=keys no field of a thread links to another")
    if batch.once is not None and any(op.writes and on_fields(op) for op in batch.ops):
        raise UsageError(
            "with layout=keys a write of fields is not remembered: once= is for others"
        )


def base_batch(batch: Batch, sums: Mapping[int, Set]) -> tuple[Batch, list[int]]:
    """Return the batch for the engine underneath, and the number that each of its guards has in the whole.

    `sums`: what stands for the increments, by their place.
    """
    numbers = [n for n, guard in enumerate(batch.guards) if not on_fields(guard)]
    guards = tuple(batch.guards[n] for n in numbers)
    return replace(
        batch,
        ops=tuple(_marked(sums.get(n, op)) for n, op in enumerate(batch.ops)),
        guards=guards,
        otherwise=tuple(_marked(op) for op in batch.otherwise),
    ), numbers


def _marked(op: AnyOp) -> AnyOp:
    if isinstance(op, Set) and on_fields(op):
        return replace(op, items=dict.fromkeys(op.items, MARK))
    if isinstance(op, Get) and on_fields(op):
        return replace(op, values=True)
    return op


def check_marks(ref: Ref, ops: tuple[AnyOp, ...], found: tuple[AnyResult, ...]) -> None:
    """Raise UsageError where the engine underneath holds values and not marks: they are of its own layout."""
    for op, result in zip(ops, found, strict=True):
        if isinstance(result, Fields) and on_fields(op):
            for name, field in result.fields.items():
                if field.value != MARK:
                    raise UsageError(
                        f"field {name!r} of {ref} lies in threadkeep's own layout; open the store without layout=keys"
                    )


class Program(msgspec.Struct):
    """What the script shall do. Fields are named; `packed` gives them their numbers."""

    guards: list[FieldGuard]
    gets: list[Get]
    writes: list[Set | Del | Touch]

    @classmethod
    def reading(cls, ops: tuple[AnyOp, ...], guards: list[FieldGuard]) -> Program:
        """Return the reads of fields among `ops`, behind guards."""
        return cls(guards, [op for op in ops if isinstance(op, Get) and on_fields(op)], [])

    @property
    def fields(self) -> list[str]:
        """Return the fields it touches, each once."""
        names: dict[str, None] = {}
        for guard in self.guards:
            names[guard.field] = None
        for op in (*self.gets, *self.writes):
            names.update(dict.fromkeys(op.items if isinstance(op, Set) else op.fields or ()))
        return list(names)

    def packed(self, fields: list[str], revision: int) -> list[bytes]:
        """Return the part that touches these fields as the arguments of the script."""
        number = {name: n for n, name in enumerate(fields, 1)}
        values: list[bytes] = []
        head = [
            [_guard(guard, number) for guard in self.guards],
            [[op.renew, op.values, _chosen(op, number)] for op in self.gets],
            [_write(op, number, values) for op in self.writes],
            revision,
        ]
        return [msgspec.msgpack.encode(head), *values]


def _chosen(op: Get | Del | Touch, number: Mapping[str, int]) -> list[int]:
    return [number[name] for name in dict.fromkeys(op.fields or ()) if name in number]


def _guard(guard: FieldGuard, number: Mapping[str, int]) -> list[Any]:
    if isinstance(guard, Missing):
        return ["missing", number[guard.field]]
    return ["same", number[guard.field], guard.revision]


def _write(op: Set | Del | Touch, number: Mapping[str, int], values: list[bytes]) -> list[Any]:
    if not isinstance(op, Set):
        return ["del" if isinstance(op, Del) else "touch", _chosen(op, number)]
    items: list[list[int]] = []
    for name, value in op.items.items():
        if name in number:
            values += _outer(value)
            items.append([number[name], len(values)])  # the argument of its form; its value follows
    window, end = ("" if n is None else str(n) for n in (op.lease.window, op.lease.end))
    return ["set", window, end, op.absent_only, items]


def _outer(value: bytes) -> tuple[bytes, bytes]:
    """Return the form of a stored value, and what others see: text as it is, else all but the format byte."""
    if value[:2] == b'j"':
        with suppress(CodecError):  # it is kept as it is, as in any engine
            text = decode(value)
            if isinstance(text, str) and encode(text) == value:
                return b"T", text.encode()
    return b"R" + value[:1], value[1:]


def _inner(form: bytes, value: bytes) -> bytes:
    if form != b"T":
        return form[1:] + value
    try:
        return encode(value.decode())
    except UnicodeDecodeError:
        return encode(value)


def read_field(row: list[Any], *, value: bool) -> Field:
    """Return a field as the script answers it."""
    _, form, raw, revision, window, end, size = row
    whole = _inner(form, raw) if value else b""
    return Field(
        value=whole,
        revision=revision,
        window=int(window) if window else None,
        end=int(end) if end else None,
        size=len(whole) if value else size + (3 if form == b"T" else 1),
    )


def lease_of(field: Field) -> Lease:
    """Return the lease that a field goes on with when it is written anew and keeps its own."""
    return Lease(field.window, None if field.window is not None else field.end)


Answers = tuple[list[dict[str, Field]], list[list[str] | int]]


def merged(program: Program, answered: list[tuple[list[str], Any]]) -> Answers:
    """Return the answers of all calls, each of which knew its fields by number, as those of one."""
    gets: list[dict[str, Field]] = [{} for _ in program.gets]
    counts = [0] * len(program.writes)
    names: list[list[str]] = [[] for _ in program.writes]
    for fields, (_, read, done) in answered:
        for n, rows in enumerate(read):
            for row in rows:
                gets[n][fields[row[0] - 1]] = read_field(row, value=program.gets[n].values)
        for n, answer in enumerate(done):
            if isinstance(answer, int):
                counts[n] += answer
            else:
                names[n] += [fields[i - 1] for i in answer]
    return gets, [
        counts[n] if isinstance(op, Touch) else names[n] for n, op in enumerate(program.writes)
    ]


def results(
    ops: tuple[AnyOp, ...],
    base: tuple[AnyResult, ...],
    answers: Answers,
    numbers: Mapping[int, AnyResult],
) -> tuple[AnyResult, ...]:
    """Return the results of a batch from both parts; `numbers`: those of the increments."""
    gets, writes = iter(answers[0]), iter(answers[1])
    made: list[AnyResult] = []
    for n, (op, result) in enumerate(zip(ops, base, strict=True)):
        if not on_fields(op):
            made.append(result)
        elif isinstance(op, Get):
            found = next(gets)
            order = sorted(found) if op.fields is None else dict.fromkeys(op.fields)
            made.append(Fields({name: found[name] for name in order if name in found}))
        else:
            answer = next(writes)
            if isinstance(op, Incr):
                made.append(numbers[n])
            else:
                made.append(_done(op, answer))
    return tuple(made)


def _done(op: AnyOp, answer: list[str] | int) -> AnyResult:
    if isinstance(answer, int):
        return Count(answer)
    return Names(tuple(sorted(answer) if isinstance(op, Del) else answer))
