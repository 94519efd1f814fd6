"""Plain batches, which most are: what the server runs the short way, written without a walk over every part."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import AnyOp, Append, Epoch, Incr, Set

FEW: Final = 4  # fields that are written one by one; more go in one statement


def is_plain(batch: Batch) -> bool:
    """Tell whether the server may run a batch the short way."""
    guards = batch.guards
    if batch.once or batch.otherwise or len(guards) > 1:
        return False
    if guards and type(guards[0]) is not Epoch:
        return False
    return bool(batch.ops) and all(map(_fits, batch.ops))


def _fits(op: AnyOp) -> bool:
    if isinstance(op, Append):
        return bool(op.items) and op.ids is None and op.refs is None
    if isinstance(op, Set):
        return bool(op.items) and not (op.absent_only or op.refs or op.map.startswith("#"))
    return isinstance(op, Incr) and not op.map.startswith("#")


def plain_head(batch: Batch) -> tuple[dict[str, Any], list[bytes]]:
    """Return a plain batch as JSON is made of it, and its values. `plain`: how many fields it may make."""
    values: list[bytes] = []
    fields = 0
    ops: list[dict[str, Any]] = []
    for op in batch.ops:
        at = len(values)
        if isinstance(op, Set):
            values.extend(op.items.values())
            fields += len(op.items)
            names = list(op.items)
            items = dict(zip(names, range(at, len(values)), strict=True))
            one = {"type": "set", "map": op.map, "items": items, "names": names, "lease": op.lease}
            ops.append(one if len(names) <= FEW else {**one, "many": True})
        elif isinstance(op, Append):
            values.extend(op.items)
            ops.append({"type": "append", "log": op.log, "items": list(range(at, len(values)))})
        elif isinstance(op, Incr):
            fields += 1
            by = msgspec.json.encode(op.by).decode()  # as text, as in every batch
            ops.append(
                {
                    "type": "incr",
                    "map": op.map,
                    "field": op.field,
                    "by": by,
                    "lease": op.lease,
                    "keep": op.keep,
                }
            )
    known = {"writes": True, "makes": True, "plain": fields, "values": len(values)}
    return {"ref": batch.ref, "guards": batch.guards, "ops": ops, **known}, values
