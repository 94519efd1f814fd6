"""Sealed engines against the plain memory engine, over scripts that hypothesis draws.

Three things differ on purpose, and are kept out of the comparison: a Set with a fixed end before an
Incr of its field is refused; a write that must look first renews what its `otherwise` reads, though
the look is its own; and a write that is refused after such a look was an access to the entity.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace

from tests.wrappers.raw import RING
from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.drivers.sqlite import SqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.model.options import Limits
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Engine
from threadkeep.ops.ops import Append, Get, Incr, Info, Read, ReadOp, Set
from threadkeep.testing.machine import EngineMachine
from threadkeep.wrapping import Wrapping, checksum, encrypt

NORMAL = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(NORMAL, max_examples=2_000, stateful_step_count=50)


def still(op: ReadOp) -> ReadOp:
    if isinstance(op, Get):
        return replace(op, renew=False)
    return replace(op, refs=None) if isinstance(op, Read) else op


def ends_before_it_counts(batch: Batch) -> bool:
    ended: set[tuple[str, str]] = set()
    for op in batch.ops:
        if isinstance(op, Set) and op.lease.end is not None:
            ended.update((op.map, name) for name in op.items)
        elif isinstance(op, Incr):
            if (op.map, op.field) in ended:
                return True
            if op.lease.end is not None:
                ended.add((op.map, op.field))
    return False


class SealedMachine(EngineMachine):
    def _run_both(self, first: Batch, second: Batch | None = None, which: int = 0) -> None:
        second = second or first
        if ends_before_it_counts(first):
            return
        if first.writes:
            otherwise = tuple(map(still, first.otherwise))
            first, second = (
                replace(first, otherwise=otherwise),
                replace(second, otherwise=otherwise),
            )
        super()._run_both(first, second, which)
        if any(isinstance(op, Incr | Append) for op in first.ops):
            super()._run_both(Batch(first.ref, (Info(),)), None, which)


def memory(now: Callable[[], int], limits: Limits) -> Engine:
    return MemoryEngine(now, limits)


def sqlite(now: Callable[[], int], limits: Limits) -> Engine:
    return SqliteEngine(Settings(path=":memory:"), now, limits)


@pytest.mark.parametrize(
    "profile", [NORMAL, pytest.param(LONG, marks=pytest.mark.long)], ids=["normal", "long"]
)
@pytest.mark.parametrize(
    ("place", "wrap"),
    [
        (memory, [encrypt(RING)]),
        (memory, [checksum()]),
        (sqlite, [encrypt(RING)]),
        (sqlite, [checksum(), encrypt(RING)]),
    ],
    ids=["memory-encrypted", "memory-checked", "sqlite-encrypted", "sqlite-both"],
)
def test_machine(
    profile: settings, place: Callable[[Callable[[], int], Limits], Engine], wrap: list[Wrapping]
):
    def opener(now: Callable[[], int], limits: Limits) -> Engine:
        engine = place(now, limits)
        for wrapping in wrap:
            engine = wrapping(engine)
        return engine

    class Machine(SealedMachine):
        def __init__(self) -> None:
            super().__init__(opener, sized=True)

    run_state_machine_as_test(Machine, settings=profile)
