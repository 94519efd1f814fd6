"""An engine for asyncio as one for threads, so that what is written for the one can drive the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine, Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply


class Driven:
    """Runs each call of an AsyncEngine to its end on a loop of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._runner = asyncio.Runner()

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine can do."""
        return self._engine.capabilities

    def setup(self) -> None:
        """Set the engine up."""
        self._runner.run(self._engine.setup())

    def run(self, batch: Batch) -> Reply:
        """Run a batch."""
        return self._runner.run(self._engine.run(batch))

    def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        return self._runner.run(self._engine.scan(query))

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Claim what is due."""
        return self._runner.run(self._engine.claim(due))

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield revisions as the engine does."""
        revisions = aiter(self._engine.watch(ref))
        while True:
            try:
                yield self._runner.run(_next(revisions))
            except StopAsyncIteration:
                return

    def close(self) -> None:
        """Close the engine and the loop."""
        try:
            self._runner.run(self._engine.aclose())
        finally:
            self._runner.close()


async def _next(revisions: AsyncIterator[int]) -> int:
    return await anext(revisions)
