"""What a fork takes along."""

from __future__ import annotations

import msgspec

from threadkeep.errors import NotFound, UsageError
from threadkeep.layers import directory
from threadkeep.layers.messages import LOG
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Plan
from threadkeep.ops.ops import AnyOp, Restore
from threadkeep.ops.reply import EntityInfo, Reply


def contents(ref: Ref, known: EntityInfo | None, at: int | None) -> Plan[tuple[AnyOp, ...]]:
    """Plan to read a thread as the operations that write its copy, without the messages after number `at`."""
    if at is not None and (type(at) is not int or at < 0):
        raise UsageError(f"at is {at!r}; pass the number of a message, or 0 for none")
    if known is None:
        raise NotFound(f"{ref} does not exist; there is nothing to fork")
    plan = directory.contents(ref, known)

    def read(reply: Reply) -> tuple[AnyOp, ...]:
        ops = plan.decode(reply)
        return ops if at is None else tuple(_until(op, at) for op in ops)

    return Plan(plan.batch, read)


def _until(op: AnyOp, at: int) -> AnyOp:
    if not isinstance(op, Restore) or op.log != LOG:
        return op
    items = tuple(item for item in op.items if item.seq <= at)
    return msgspec.structs.replace(op, items=items, head=min(op.head, at))
