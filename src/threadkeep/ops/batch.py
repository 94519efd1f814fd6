"""A batch: what is asked of one entity, atomically; a plan: a batch and how to read its reply."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import AnyGuard, AnyOp, Append, Cut, Drop, Read, ReadOp, Restore, Set
from threadkeep.ops.reply import Reply

T = TypeVar("T")
ONCE_BYTES = 128
LAST_SEQ = (1 << 31) - 1  # a number may be set up to here; as many again can be appended after it


class Batch(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Operations on one entity: all guards hold and all ops are done, or only the reads of `otherwise` are.

    `once`: a request id; the same batch sent again within 10 minutes has no second effect and the same reply.
    """

    ref: Ref
    ops: tuple[AnyOp, ...]
    guards: tuple[AnyGuard, ...] = ()
    otherwise: tuple[ReadOp, ...] = ()
    once: str | None = None

    @property
    def writes(self) -> bool:
        """Tell whether any operation is a write."""
        for op in self.ops:  # noqa: SIM110 - each call passes here, and a generator costs more than the loop
            if op.writes:
                return True
        return False

    @property
    def repeatable(self) -> bool:
        """Tell whether sending it again after a lost connection has one effect and tells the truth about it.

        A guard does not do that: it may hold again, and the effect doubles, or fail by the batch's own
        effect, and the reply says that nothing was written.
        """
        return self.once is not None or not self.writes

    @property
    def weight(self) -> int:
        """Return the bytes of the values that it writes."""
        return sum(map(_weight, self.ops))


def _weight(op: AnyOp) -> int:
    values: Iterable[bytes] = ()
    if isinstance(op, Set):
        values = op.items.values()
    elif isinstance(op, Append):
        values = op.items
    elif isinstance(op, Restore):
        values = (item.value for item in op.items)
    return sum(map(len, values))


def check(batch: Batch) -> None:
    """Raise UsageError for a batch that no engine may run."""
    if any(op.writes for op in batch.otherwise):
        raise UsageError("otherwise may only hold reads")
    kinds = [type(op) for op in batch.ops if op.writes]
    if Drop in kinds and len(kinds) > 1:
        raise UsageError("Drop must be the only write of its batch")
    if batch.once is not None and not 0 < len(batch.once.encode()) <= ONCE_BYTES:
        raise UsageError(f"once must be 1 to {ONCE_BYTES} bytes long")
    for op in (*batch.ops, *batch.otherwise):
        rule = _RULES.get(type(op))
        if rule is not None:
            rule(op)


def _check_read(op: Read) -> None:
    if op.after < 0 or (op.before or 0) < 0 or (op.limit or 0) < 0:
        raise UsageError("after, before and limit of a Read must be 0 or more")


def _check_append(op: Append) -> None:
    for name, many in (("ids", op.ids), ("refs", op.refs)):
        if many is not None and len(many) != len(op.items):
            raise UsageError(f"Append has {len(op.items)} items and {len(many)} {name}")


def _check_cut(op: Cut) -> None:
    given = [n for n in (op.keep, op.before, op.newest) if n is not None]
    if len(given) != 1 or given[0] < 0:
        raise UsageError("Cut takes one of keep, before and newest, 0 or more")


def _check_restore(op: Restore) -> None:
    seqs = {item.seq for item in op.items}
    ids = [item.id for item in op.items if item.id is not None]
    if len(seqs) != len(op.items) or len(set(ids)) != len(ids):
        raise UsageError("Restore has a number or an id twice")
    if min(seqs, default=1) < 1 or op.head < 0 or max((op.head, *seqs)) > LAST_SEQ:
        raise UsageError(f"numbers of a Restore go from 1 to {LAST_SEQ}")


_RULES: dict[type, Callable[..., None]] = {
    Read: _check_read,
    Append: _check_append,
    Cut: _check_cut,
    Restore: _check_restore,
}


class Plan(msgspec.Struct, Generic[T], frozen=True):
    """What every layer function returns: the batch to run and the function that reads its reply."""

    batch: Batch
    decode: Callable[[Reply], T]
