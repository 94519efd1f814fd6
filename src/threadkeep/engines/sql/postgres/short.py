"""The short ways of reading: one field, the fields of a map, items of a log, as columns instead of JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec

from threadkeep.engines.reads import renews
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Item, Read
from threadkeep.ops.reply import Field, Fields, Items, Reply

_NOTHING: Final = Reply(True, (Fields({}),))


class Short(NamedTuple):
    """How batches of one kind are asked for in one call, and what a row says of one; None: run it as others are."""

    name: str
    asked: Callable[[Sequence[Batch]], str]
    reply: Callable[[Batch, Sequence[Any]], Reply | None]


def short_of(batch: Batch) -> Short | None:
    """Return the short way of a batch that is one Get or Read and nothing else."""
    if len(batch.ops) != 1 or batch.guards or batch.otherwise or batch.once:
        return None
    op = batch.ops[0]
    if not isinstance(op, Get | Read) or not op.values or op.refs is not None:
        return None
    if isinstance(op, Read):
        return ITEMS if op.ids is None and op.limit != 0 else None
    if op.fields is None:
        return MAP
    return FIELD if len(op.fields) == 1 else None


def _fields(batches: Sequence[Batch]) -> str:
    gets = [(batch.ref, cast("Get", batch.ops[0])) for batch in batches]
    return msgspec.json.encode(
        [
            (ref.namespace, ref.kind, ref.id, get.map, *(get.fields or ()), get.renew)
            for ref, get in gets
        ]
    ).decode()


def _field(batch: Batch, row: Sequence[Any]) -> Reply | None:
    revision, epoch, value, rev, window, end, refs, stale = row
    if stale:
        return None
    if revision is None:
        return _NOTHING
    if value is None:
        return Reply(True, (Fields({}),), revision, epoch)
    (name,) = cast("Get", batch.ops[0]).fields or ("",)
    field = Field(value, rev, window, end, tuple(refs or ()), len(value))
    return Reply(True, (Fields({name: field}),), revision, epoch)


def _maps(batches: Sequence[Batch]) -> str:
    gets = [(batch.ref, cast("Get", batch.ops[0])) for batch in batches]
    return msgspec.json.encode(
        [(ref.namespace, ref.kind, ref.id, get.map, get.prefix, get.renew) for ref, get in gets]
    ).decode()


def _map(_: Batch, row: Sequence[Any]) -> Reply | None:
    revision, epoch, names, values, revisions, windows, ends, links, stale = row
    if stale:
        return None
    if revision is None:
        return _NOTHING
    fields = {
        name: Field(value, rev, window, end, refs, len(value))
        for name, value, rev, window, end, refs in zip(
            names or (), values or (), revisions or (), windows or (), ends or (),
            _linked(links, len(names or ())), strict=True,
        )
    }  # fmt: skip
    return Reply(True, (Fields(fields),), revision, epoch)


def _linked(links: str | None, count: int) -> list[tuple[str, ...]]:
    return msgspec.json.decode(links, type=list[tuple[str, ...]]) if links else [()] * count


def _logs(batches: Sequence[Batch]) -> str:
    reads = [(batch, cast("Read", batch.ops[0])) for batch in batches]
    return msgspec.json.encode(
        [
            (
                *(batch.ref.namespace, batch.ref.kind, batch.ref.id, read.log),
                *(read.after, read.before, read.limit, read.newest, renews(batch.ops)),
            )
            for batch, read in reads
        ]
    ).decode()


def _items(_: Batch, row: Sequence[Any]) -> Reply | None:
    revision, epoch, head, count, size, seqs, values, ids, moments, links, stale = row
    if stale:
        return None
    if revision is None:
        return Reply(True, (Items(),))
    if head is None:
        return Reply(True, (Items(),), revision, epoch)
    items = tuple(
        Item(seq, value, name, refs, at)
        for seq, value, name, refs, at in zip(
            seqs or (), values or (), ids or (), _linked(links, len(seqs or ())), moments or (), strict=True
        )
    )  # fmt: skip
    return Reply(True, (Items(items, head, count, size),), revision, epoch)


FIELD: Final = Short("get", _fields, _field)
MAP: Final = Short("maps", _maps, _map)
ITEMS: Final = Short("items", _logs, _items)
SHORTS: Final = (FIELD, MAP, ITEMS)
