# Generated from src/threadkeep/testing/_async/apart.py by scripts/unasync. Do not edit.
"""Checking a store that others use: nothing of theirs is touched, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from threadkeep._sync.urls import open_engine
from threadkeep.model.leases import SECOND
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import TOMBSTONE, Capabilities, Claim, Due, Engine, Page, Query
from threadkeep.ops.ops import Claimed, Drop
from threadkeep.ops.reply import Reply
from threadkeep.testing._sync.clock import BEGIN
from threadkeep.testing.tasks import Tasks

OWN = "check-"  # begins every namespace that the suite uses
LATER = BEGIN + 300 * 366 * 86_400 * SECOND  # after everything that a test did to its clock


class Apart:
    """An engine that refuses other namespaces than the suite's and tells of each entity written to.

    A claim that names no namespace takes from those that were told of, never from all.
    """

    def __init__(self, engine: Engine, told: Callable[[Ref], None]) -> None:
        self._engine, self._told = engine, told
        self._spaces: set[str] = set()

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine can do."""
        return self._engine.capabilities

    def setup(self) -> None:
        """Set the engine up."""
        self._engine.setup()

    def run(self, batch: Batch) -> Reply:
        """Run a batch."""
        self._check(batch.ref.namespace)
        if batch.writes:
            self._spaces.add(batch.ref.namespace)
            self._told(batch.ref)
        return self._engine.run(batch)

    def scan(self, query: Query) -> Page:
        """Return a page."""
        self._check(query.namespace)
        return self._engine.scan(query)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Claim."""
        if due.ref is not None or due.namespace is not None:
            self._check(due.ref.namespace if due.ref else due.namespace)
            return self._engine.claim(due)
        found: list[Claim] = []
        for space in sorted(self._spaces):
            if len(found) < due.limit:
                narrow = replace(due, namespace=space, limit=due.limit - len(found))
                found += self._engine.claim(narrow)
        return tuple(found)

    def watch(self, ref: Ref) -> Iterator[int]:
        """Watch."""
        self._check(ref.namespace)
        return self._engine.watch(ref)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    @staticmethod
    def _check(namespace: str | None) -> None:
        assert (namespace or "").startswith(OWN), f"the suite reached into {namespace!r}"


def capabilities_of(url: str) -> Capabilities:
    """Connect, and return what the engine says of itself."""
    engine = open_engine(url, lambda: time.time_ns() // 1000, Limits())
    try:
        engine.setup()
        return engine.capabilities
    finally:
        engine.close()


def remove(url: str, refs: Iterable[Ref], *, within: float = 90) -> tuple[Ref, ...]:
    """Remove entities of a check, and their tombstones where the clock can be set.

    Return those that are still claimed by a test that broke off when `within` seconds have passed.
    """
    now = LATER
    engine = open_engine(url, lambda: now, Limits())
    left = {ref for ref in refs if ref.namespace.startswith(OWN)}
    spaces = sorted({ref.namespace for ref in left})
    end = time.monotonic() + within
    try:
        engine.setup()
        while left:
            for ref in sorted(left):
                if _removed(engine, ref):
                    left.discard(ref)
            if left and time.monotonic() > end:
                break
            if left:
                Tasks.sleep(0.5)
        now += TOMBSTONE + SECOND
        for space in spaces:
            engine.claim(Due(lease=SECOND, namespace=space))
    finally:
        engine.close()
    return tuple(sorted(left))


def _removed(engine: Engine, ref: Ref) -> bool:
    if not (engine.run(Batch(ref, (Drop(),)))).expired:
        return True
    for claim in engine.claim(Due(lease=SECOND, ref=ref)):
        guard = Claimed(claim.token)
        return (engine.run(Batch(ref, (Drop(),), (guard,)))).ok
    return False
