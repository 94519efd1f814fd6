"""What a write is sealed for: the numbers and values that are thought to stand where it is to go.

An item is sealed for its number and an increment for the value before it, so both must be known
first. They are assumed, guarded, and read in the same trip for the next try where a guard fails.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from threadkeep.model.refs import Ref
from threadkeep.model.sealing import Sealer
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import (
    AnyGuard,
    Append,
    Cut,
    Epoch,
    Get,
    Head,
    Incr,
    Missing,
    Read,
    Restore,
    Revision,
    Same,
)
from threadkeep.ops.reply import Field, Fields, Items, Reply
from threadkeep.ops.sealed import is_open, opened_fields

Ask = Get | Read
LogWrite = Append | Cut | Restore
KNOWN_HEADS: Final = 4096


class LogState(msgspec.Struct):
    """A log: the last number given, the ids that stand, all numbers that stand (None: not known)."""

    head: int = 0
    ids: dict[str, int] = {}
    seqs: list[int] | None = None


class Assumed(msgspec.Struct):
    """An entity as a write assumes it; `revision` None: nothing of it was read yet."""

    fields: dict[tuple[str, str], Field] = {}
    logs: dict[str, LogState] = {}
    revision: int | None = None
    epoch: str = ""


class Heads:
    """The last number of each log as it was last seen, for the logs used last."""

    def __init__(self) -> None:
        self._heads: OrderedDict[tuple[Ref, str], int] = OrderedDict()

    def get(self, ref: Ref, log: str) -> int:
        """Return the number; 0 where none was seen."""
        return self._heads.get((ref, log), 0)

    def put(self, ref: Ref, log: str, head: int) -> None:
        """Note a number."""
        self._heads.pop((ref, log), None)
        self._heads[ref, log] = head
        if len(self._heads) > KNOWN_HEADS:
            self._heads.popitem(last=False)


def asks_of(sealer: Sealer, batch: Batch) -> tuple[Ask, ...]:
    """Return the reads whose answers the batch's writes are sealed for; none for most batches."""
    fields: dict[str, dict[str, None]] = {}
    logs: dict[str, list[LogWrite]] = {}
    for op in batch.ops:
        if isinstance(op, Incr) and not is_open(op.map):
            fields.setdefault(op.map, {})[op.field] = None
        elif sealer.numbered and isinstance(op, LogWrite):
            logs.setdefault(op.log, []).append(op)
    gets = (Get(map_, tuple(names), renew=False) for map_, names in fields.items())
    reads = (_ask(log, writes) for log, writes in logs.items())
    return (*gets, *(read for read in reads if read is not None))


def _ask(log: str, writes: list[LogWrite]) -> Read | None:
    """Return what must be read of a log: nothing, its head, which ids stand, or all numbers."""
    named: dict[str, None] = {}
    last: Append | None = None
    cleared = moved = everything = False
    count = 0
    for op in writes:
        if isinstance(op, Append) and op.items:
            last = op
            ids = [] if cleared else [i for i in op.ids or () if i is not None]
            count += len(ids)
            named.update(dict.fromkeys(ids))
            everything |= moved and bool(ids)
        elif isinstance(op, Cut) and op.keep == 0:
            cleared = True
        elif not isinstance(op, Append):
            moved = moved or not cleared
    if last is None:
        return None
    # an id on the very last item alone: whether the engine skips it moves no other number
    if not count or (count == 1 and not cleared and last.ids and last.ids[-1] is not None):
        return Read(log, limit=0)
    return Read(log, values=False) if everything else Read(log, ids=tuple(named), values=False)


def guess(asks: Iterable[Ask], ref: Ref, heads: Heads) -> Assumed:
    """Return what to assume at first: absent fields, heads last seen, and no item where ids matter."""
    logs: dict[str, LogState] = {}
    for ask in asks:
        if isinstance(ask, Read) and ask.limit == 0:
            logs[ask.log] = LogState(heads.get(ref, ask.log))
        elif isinstance(ask, Read):
            logs[ask.log] = LogState(seqs=[])
    return Assumed(logs=logs)


def learned(sealer: Sealer, batch: Batch, asks: Iterable[Ask], reply: Reply) -> Assumed:
    """Return what to assume after the asks were answered, behind the batch's own `otherwise`."""
    ref, results = batch.ref, reply.results[len(batch.otherwise) :]
    found = Assumed(revision=reply.revision, epoch=reply.epoch)
    for ask, result in zip(asks, results, strict=True):
        if isinstance(ask, Get) and isinstance(result, Fields):
            fields = opened_fields(sealer, ref, ask.map, result.fields)
            found.fields.update({(ask.map, name): field for name, field in fields.items()})
        elif isinstance(ask, Read) and isinstance(result, Items):
            ids = {item.id: item.seq for item in result.items if item.id is not None}
            whole = ask.limit is None and ask.ids is None
            seqs = [item.seq for item in result.items] if whole else None
            found.logs[ask.log] = LogState(result.head, ids, seqs)
    return found


def guards_of(asks: Iterable[Ask], assumed: Assumed) -> tuple[AnyGuard, ...]:
    """Return the guards that hold while the entity is as assumed."""
    guards: dict[AnyGuard, None] = {}
    if assumed.epoch:
        guards[Epoch(assumed.epoch)] = None  # revisions start again in a new incarnation
    for ask in asks:
        if isinstance(ask, Get):
            for name in ask.fields or ():
                field = assumed.fields.get((ask.map, name))
                stands = None if field is None else Same(ask.map, name, field.revision)
                guards[stands or Missing(ask.map, name)] = None
        elif ask.limit == 0 or assumed.revision is None:
            guards[Head(ask.log, assumed.logs[ask.log].head)] = None
        else:
            # ids may go without a new number: cuts
            guards[Revision(assumed.revision)] = None
    return tuple(guards)
