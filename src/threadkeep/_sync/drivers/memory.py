# Generated from src/threadkeep/_async/drivers/memory.py by scripts/unasync. Do not edit.
"""The memory driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from threadkeep._sync.drivers.watching import revisions
from threadkeep.concurrency import Pace
from threadkeep.engines.memory import Memory
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply


class MemoryEngine:
    """Keep entities in this process's memory; they end with the engine."""

    def __init__(self, now: Callable[[], int], limits: Limits) -> None:
        self._memory = Memory(now, limits)
        self._pace = Pace()

    @property
    def capabilities(self) -> Capabilities:
        """Say what it can do."""
        return self._memory.capabilities

    def setup(self) -> None:
        """Do nothing."""

    def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically and isolated."""
        if self._pace.due():
            self._pace.wait()
        return self._memory.run(batch)

    def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        return self._memory.scan(query)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        return self._memory.claim(due)

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield the revision now and then after each change, coalesced; 0: the entity does not stand."""
        for revision in revisions(self, self._memory.hub, ref):
            yield revision

    def close(self) -> None:
        """Do nothing: the entities stay while the engine does."""
