# Generated from src/threadkeep/testing/_async/subject.py by scripts/unasync. Do not edit.
"""One entity of the engine under test, with short forms of what tests do to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from threadkeep.model.leases import FOREVER, Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Engine
from threadkeep.ops.ops import AnyGuard, AnyOp, Append, Get, Info, Read, ReadOp, Set
from threadkeep.ops.reply import Appended, EntityInfo, Field, Fields, Items, Reply

MAP, LOG = "state", "messages"
R = TypeVar("R")


def answer(reply: Reply, kind: type[R], index: int = 0) -> R:
    """Return a result of the reply, which must be of this kind."""
    result = reply.results[index]
    assert isinstance(result, kind), f"expected {kind.__name__}, got {result!r}"
    return result


class Subject:
    """An entity and the engine that keeps it."""

    def __init__(self, engine: Engine, ref: Ref) -> None:
        self.engine = engine
        self.ref = ref

    def other(
        self, id: str | None = None, *, kind: str | None = None, namespace: str | None = None
    ) -> Subject:
        """Return another entity of the same engine."""
        ref = self.ref
        return Subject(self.engine, Ref(namespace or ref.namespace, kind or ref.kind, id or ref.id))

    def run(
        self,
        *ops: AnyOp,
        guards: Sequence[AnyGuard] = (),
        otherwise: Sequence[ReadOp] = (),
        once: str | None = None,
    ) -> Reply:
        """Run a batch."""
        return self.engine.run(Batch(self.ref, ops, tuple(guards), tuple(otherwise), once))

    def put(self, lease: Lease = FOREVER, **values: bytes) -> Reply:
        """Set fields."""
        return self.run(Set(MAP, values, lease))

    def fields(self, *names: str, renew: bool = False) -> dict[str, Field]:
        """Return the named fields, or all; renewing nothing if not asked to."""
        return answer(self.run(Get(MAP, names or None, renew=renew)), Fields).fields

    def values(self, *names: str, renew: bool = False) -> dict[str, bytes]:
        """Return the values of the named fields, or of all."""
        return {n: f.value for n, f in (self.fields(*names, renew=renew)).items()}

    def append(self, *values: bytes, ids: Sequence[str | None] | None = None) -> Appended:
        """Append items."""
        op = Append(LOG, values, None if ids is None else tuple(ids))
        return answer(self.run(op), Appended)

    def items(self, op: Read | None = None) -> Items:
        """Return what a Read finds; all by default."""
        return answer(self.run(op or Read(LOG)), Items)

    def seqs(self, op: Read | None = None) -> list[int]:
        """Return the numbers of what a Read finds."""
        return [item.seq for item in (self.items(op)).items]

    def log(self) -> list[bytes]:
        """Return the items of the log."""
        return [item.value for item in (self.items()).items]

    def info(self) -> EntityInfo | None:
        """Return what the engine knows of the entity; None where it holds nothing."""
        result = (self.run(Info())).results[0]
        return result if isinstance(result, EntityInfo) else None
