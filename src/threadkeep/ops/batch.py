"""A batch: what is asked of one entity, atomically; a plan: a batch and how to read its reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import AnyGuard, AnyOp, Drop, ReadOp
from threadkeep.ops.reply import Reply

T = TypeVar("T")
ONCE_BYTES = 128


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
        return any(op.writes for op in self.ops)

    @property
    def repeatable(self) -> bool:
        """Tell whether sending it again after a lost connection is harmless."""
        return bool(self.once or self.guards) or not self.writes


def check(batch: Batch) -> None:
    """Raise UsageError for a batch that no engine may run."""
    if any(op.writes for op in batch.otherwise):
        raise UsageError("otherwise may only hold reads")
    kinds = [type(op) for op in batch.ops if op.writes]
    if Drop in kinds and len(kinds) > 1:
        raise UsageError("Drop must be the only write of its batch")
    if batch.once is not None and not 0 < len(batch.once.encode()) <= ONCE_BYTES:
        raise UsageError(f"once must be 1 to {ONCE_BYTES} bytes long")


class Plan(msgspec.Struct, Generic[T], frozen=True):
    """What every layer function returns: the batch to run and the function that reads its reply."""

    batch: Batch
    decode: Callable[[Reply], T]
