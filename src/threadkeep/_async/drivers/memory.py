"""The memory driver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from threadkeep._async.drivers.watching import revisions
from threadkeep.concurrency import AsyncPace
from threadkeep.engines.memory import Memory
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply


class AsyncMemoryEngine:
    """Keep entities in this process's memory; they end with the engine."""

    def __init__(self, now: Callable[[], int], limits: Limits) -> None:
        self._memory = Memory(now, limits)
        self._pace = AsyncPace()

    @property
    def capabilities(self) -> Capabilities:
        """Say what it can do."""
        return self._memory.capabilities

    async def setup(self) -> None:
        """Do nothing."""

    async def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically and isolated."""
        if self._pace.due():
            await self._pace.wait()
        return self._memory.run(batch)

    async def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        return self._memory.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        return self._memory.claim(due)

    async def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Yield the revision now and then after each change, coalesced; 0: the entity does not stand."""
        async for revision in revisions(self, self._memory.hub, ref):
            yield revision

    async def aclose(self) -> None:
        """Do nothing: the entities stay while the engine does."""
