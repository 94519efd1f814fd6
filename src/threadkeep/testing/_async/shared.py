"""One engine for several stores of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine, Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply


class AsyncShared:
    """An engine that was set up elsewhere and will be closed elsewhere."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine can do."""
        return self._engine.capabilities

    async def setup(self) -> None:
        """Do nothing."""

    async def run(self, batch: Batch) -> Reply:
        """Run a batch."""
        return await self._engine.run(batch)

    async def scan(self, query: Query) -> Page:
        """Return a page."""
        return await self._engine.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Claim."""
        return await self._engine.claim(due)

    def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Watch."""
        return self._engine.watch(ref)

    async def aclose(self) -> None:
        """Do nothing."""
