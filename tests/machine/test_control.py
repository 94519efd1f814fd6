"""The machine finds out engines that are wrong: a control that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from msgspec.structs import replace

from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep.model.options import Limits
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due, Page, Query
from threadkeep.ops.ops import Append, Get, Incr, Restore, Revision, Same, Set, Touch
from threadkeep.ops.reply import Reply
from threadkeep.testing.machine import Opener, check_machine
from threadkeep.testing.machine_compare import Difference

SEARCH = settings(
    max_examples=2_000,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType] - an enum lists its members
)


class RenewsAll(MemoryEngine):
    """Renews what was to be read without renewing."""

    def run(self, batch: Batch) -> Reply:
        ops = tuple(replace(op, renew=True) if type(op) is Get else op for op in batch.ops)
        return super().run(replace(batch, ops=ops))


class NeverRenews(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        ops = tuple(replace(op, renew=False) if type(op) is Get else op for op in batch.ops)
        return super().run(replace(batch, ops=ops))


class ForgetsGuard(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        return super().run(
            replace(batch, guards=tuple(g for g in batch.guards if type(g) is not Same))
        )


class ForgetsRevision(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        return super().run(
            replace(batch, guards=tuple(g for g in batch.guards if type(g) is not Revision))
        )


class ForgetsOnce(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        return super().run(replace(batch, once=None))


class Overwrites(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        ops = tuple(replace(op, absent_only=False) if type(op) is Set else op for op in batch.ops)
        return super().run(replace(batch, ops=ops))


class KeepsLease(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        ops = tuple(replace(op, keep=True) if type(op) is Incr else op for op in batch.ops)
        return super().run(replace(batch, ops=ops))


class LosesIds(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        ops = tuple(replace(op, ids=None) if type(op) is Append else op for op in batch.ops)
        return super().run(replace(batch, ops=ops))


class LosesHead(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        ops = tuple(replace(op, head=0) if type(op) is Restore else op for op in batch.ops)
        return super().run(replace(batch, ops=ops))


class TouchesNothing(MemoryEngine):
    def run(self, batch: Batch) -> Reply:
        ops = tuple(
            replace(op, fields=()) if type(op) is Touch and op.map else op for op in batch.ops
        )
        return super().run(replace(batch, ops=ops))


class MixesNames(MemoryEngine):
    """Takes `acme%` for `acme`."""

    def run(self, batch: Batch) -> Reply:
        return super().run(replace(batch, ref=replace(batch.ref, id=batch.ref.id.rstrip("%"))))


class DropsThePast(MemoryEngine):
    """Lets its clock run backwards."""

    def __init__(self, now: Callable[[], int], limits: Limits) -> None:
        super().__init__(now, limits)
        self._memory._now = lambda: now() - 1


class ListsLess(MemoryEngine):
    """Ends a listing a page too early."""

    def scan(self, query: Query) -> Page:
        page = super().scan(query)
        return replace(page, cursor=None) if query.cursor else page


class ListsTwice(MemoryEngine):
    def scan(self, query: Query) -> Page:
        page = super().scan(query)
        return replace(page, items=page.items + page.items[:1]) if query.cursor else page


class ClaimsTwice(MemoryEngine):
    def claim(self, due: Due) -> tuple[Claim, ...]:
        return super().claim(due) if due.token is None else ()


BROKEN: list[Opener] = [
    RenewsAll,
    NeverRenews,
    ForgetsGuard,
    ForgetsRevision,
    ForgetsOnce,
    Overwrites,
    KeepsLease,
    LosesIds,
    LosesHead,
    TouchesNothing,
    MixesNames,
    DropsThePast,
    ListsLess,
    ListsTwice,
    ClaimsTwice,
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_wrong_engine_is_found_out(broken: Opener):
    with pytest.raises(Difference):
        check_machine(lambda: broken, SEARCH)
