"""A batch as a sealing wrapper sends it: sealed for what is assumed, and guarded by it."""

from __future__ import annotations

import base64
import binascii

import msgspec
from msgspec.structs import replace

from threadkeep.errors import CodecError, DataLost, UsageError
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.model.sealing import Sealer
from threadkeep.ops.assumed import Ask, Assumed, LogState, guards_of
from threadkeep.ops.batch import Batch
from threadkeep.ops.numbers import increased, stored
from threadkeep.ops.ops import AnyOp, Append, Cut, Del, Incr, Restore, Set
from threadkeep.ops.reply import AnyResult, Appended, Field, Names, Number, Reply
from threadkeep.ops.sealed import field_place, is_open, item_place, opened, sealed_op

# Never holds anything: what a request id must remember of increments passes through it, sealed.
MAP = "#seal"


class Draft(msgspec.Struct):
    """A sealed batch, the sums of its increments by place, and the heads it will leave."""

    batch: Batch
    numbers: dict[int, int | float]
    heads: dict[str, int]


def draft(sealer: Sealer, batch: Batch, asks: tuple[Ask, ...], assumed: Assumed) -> Draft:
    """Return the batch sealed for what is assumed; its own guards come after the caller's.

    Raises UsageError as the engine would: what is incremented is no number, or leaves the range.
    """
    work = _Work(sealer, batch.ref, assumed)
    ops = [work.op(i, op) for i, op in enumerate(batch.ops)]
    if batch.once is not None and work.numbers:
        ops += _noted(sealer, batch.ref, batch.once, work.numbers)
    sent = replace(
        batch,
        ops=tuple(ops),
        guards=(*batch.guards, *guards_of(asks, assumed)),
        otherwise=(*batch.otherwise, *asks),
    )
    heads = {log: state.head for log, state in work.logs.items()}
    return Draft(sent, work.numbers, heads)


def answer(sealer: Sealer, batch: Batch, sent: Draft, reply: Reply) -> Reply:
    """Return the reply as the caller of `batch` knows it."""
    if not reply.ok:
        found = opened(sealer, batch.ref, batch.otherwise, reply.results[: len(batch.otherwise)])
        return replace(reply, results=found)
    numbers = sent.numbers
    if reply.repeated and numbers:
        numbers = _remembered(sealer, batch, reply.results)
    results = list(opened(sealer, batch.ref, batch.ops, reply.results[: len(batch.ops)]))
    for index, number in numbers.items():
        results[index] = Number(number)
    return replace(reply, results=tuple(results))


def heads_after(sent: Draft, reply: Reply) -> dict[str, int]:
    """Return the last number of each log that the batch appended to, by the engine's own reply."""
    heads = dict(sent.heads)
    for op, result in zip(sent.batch.ops, reply.results, strict=True):
        if isinstance(op, Append) and op.log in heads and isinstance(result, Appended):
            heads[op.log] -= len(result.skipped) - op.items.count(b"")
    return heads


class _Work:
    """The entity as it will be after each operation, as far as sealing needs it."""

    def __init__(self, sealer: Sealer, ref: Ref, assumed: Assumed) -> None:
        self._sealer, self._ref = sealer, ref
        self._fields = dict(assumed.fields)
        self._unsure: set[tuple[str, str]] = set()
        self.numbers: dict[int, int | float] = {}
        self.logs = {
            log: LogState(
                state.head, dict(state.ids), None if state.seqs is None else [*state.seqs]
            )
            for log, state in assumed.logs.items()
        }

    def op(self, index: int, op: AnyOp) -> AnyOp:
        """Return the sealed operation, and see what it does."""
        if isinstance(op, Incr) and not is_open(op.map):
            return self._incr(index, op)
        state = self.logs.get(op.log) if isinstance(op, Append | Cut | Restore) else None
        if isinstance(op, Append) and state is not None:
            return self._append(op, state)
        if isinstance(op, Set):
            self._set(op)
        elif isinstance(op, Del):
            self._del(op)
        elif isinstance(op, Cut) and state is not None:
            _cut(op, state)
        elif isinstance(op, Restore) and state is not None:
            _restore(op, state)
        return sealed_op(self._sealer, self._ref, op)

    def _set(self, op: Set) -> None:
        for name, value in op.items.items():
            key = (op.map, name)
            if not (op.absent_only and key in self._fields):
                refs = op.refs.get(name, ()) if op.refs else ()
                self._put(key, value, op.lease, refs)

    def _put(self, key: tuple[str, str], value: bytes, lease: Lease, refs: tuple[str, ...]) -> None:
        self._fields[key] = Field(value, 0, lease.window, lease.end, refs)
        # a given end may lie in the past, and only the engine's clock can tell
        (self._unsure.discard if lease.end is None else self._unsure.add)(key)

    def _del(self, op: Del) -> None:
        for map_, name in list(self._fields):
            named = name in op.fields if op.fields is not None else name.startswith(op.prefix or "")
            if map_ == op.map and named:
                del self._fields[map_, name]
                self._unsure.discard((map_, name))

    def _incr(self, index: int, op: Incr) -> Set:
        key = (op.map, op.field)
        if key in self._unsure:
            raise UsageError(
                f"field {op.field!r} gets a fixed end and is incremented in one batch; that cannot"
                " be done through encrypt or checksum: send two batches"
            )
        field = self._fields.get(key)
        total = increased(field.value if field else None, op.by, op.field)
        lease, refs, sure = op.lease, field.refs if field else (), False
        if field and op.keep:
            lease = Lease(end=field.end) if field.window is None else Lease(field.window)
            sure = True  # the guard holds only while the field stands, so this end is to come
        self._put(key, stored(total), lease, refs)
        if sure:
            self._unsure.discard(key)
        self.numbers[index] = total
        value = self._sealer.seal(field_place(self._ref, *key), stored(total))
        links = {op.field: refs} if refs else None
        return Set(op.map, {op.field: value}, lease, refs=links)

    def _append(self, op: Append, state: LogState) -> Append:
        items: list[bytes] = []
        for index, value in enumerate(op.items):
            item_id = op.ids[index] if op.ids else None
            if item_id is not None and item_id in state.ids:
                items.append(b"")  # the engine skips it and says where it stands
                continue
            state.head += 1
            items.append(self._sealer.seal(item_place(self._ref, op.log, state.head), value))
            if item_id is not None:
                state.ids[item_id] = state.head
            if state.seqs is not None:
                state.seqs.append(state.head)
        return replace(op, items=tuple(items))


def _cut(op: Cut, state: LogState) -> None:
    if op.keep == 0:
        left: list[int] = []
    elif state.seqs is None:
        return  # no id is asked for after it
    elif op.before is not None:
        left = [seq for seq in state.seqs if seq >= op.before]
    elif op.keep is not None:
        left = state.seqs[-op.keep :]
    else:
        left = state.seqs[: len(state.seqs) - min(op.newest or 0, len(state.seqs))]
    state.seqs = left
    stands = set(left)
    state.ids = {name: seq for name, seq in state.ids.items() if seq in stands}


def _restore(op: Restore, state: LogState) -> None:
    seqs = {item.seq for item in op.items}
    ids = {item.id: item.seq for item in op.items if item.id is not None}
    state.head = max([state.head, op.head, *seqs])
    if state.seqs is not None:
        moved = {seq for name, seq in state.ids.items() if name in ids}
        state.seqs = sorted(seqs.union(set(state.seqs) - moved))
    state.ids = {name: seq for name, seq in state.ids.items() if seq not in seqs} | ids


# --- increments under a request id ---------------------------------------------------------------
# The engine remembers the results of the operations it saw, and saw a Set for each increment. So the
# sums go along, sealed, as the names of fields that are set and deleted again: a Del answers with
# the names it removed, and that result is remembered as long as the request id is.


def _noted(sealer: Sealer, ref: Ref, once: str, numbers: dict[int, int | float]) -> list[AnyOp]:
    names: list[str] = []
    for index, number in numbers.items():
        data = sealer.seal(field_place(ref, MAP, f"{index}.{once}"), stored(number))
        names.append(f"{index}.{base64.urlsafe_b64encode(data).decode()}")
    return [Set(MAP, dict.fromkeys(names, b"")), Del(MAP, tuple(names))]


def _remembered(
    sealer: Sealer, batch: Batch, results: tuple[AnyResult, ...]
) -> dict[int, int | float]:
    note = results[-1]
    if len(results) != len(batch.ops) + 2 or not isinstance(note, Names):
        raise DataLost(f"{batch.ref} does not tell what request {batch.once!r} had counted")
    numbers: dict[int, int | float] = {}
    for name in note.names:
        index, _, text = name.partition(".")
        place = field_place(batch.ref, MAP, f"{index}.{batch.once}")
        try:
            data = base64.urlsafe_b64decode(text)
            numbers[int(index)] = increased(sealer.open(place, data), 0, index)
        except (binascii.Error, ValueError, UsageError) as error:
            raise CodecError(f"what {batch.ref} remembers of a request is damaged") from error
    return numbers
