"""Counting what a call costs: wrappers of an engine that count how often each method is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine, Capabilities, Claim, Due, Engine, Page, Query
from threadkeep.ops.reply import Reply


class AsyncTrips:
    """An engine for asyncio that counts the calls of `run`, `scan` and `claim` in `calls`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.calls: Counter[str] = Counter()

    def taken(self) -> dict[str, int]:
        """Return the calls since the last time this was asked, without those that were not made."""
        calls, self.calls = dict(self.calls), Counter()
        return calls

    @property
    def capabilities(self) -> Capabilities:
        """Say what the wrapped engine can do."""
        return self._engine.capabilities

    async def setup(self) -> None:
        """Set the wrapped engine up."""
        await self._engine.setup()

    async def run(self, batch: Batch) -> Reply:
        """Count and run."""
        self.calls["run"] += 1
        return await self._engine.run(batch)

    async def scan(self, query: Query) -> Page:
        """Count and scan."""
        self.calls["scan"] += 1
        return await self._engine.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Count and claim."""
        self.calls["claim"] += 1
        return await self._engine.claim(due)

    def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Watch through the wrapped engine; what that asks itself is not counted."""
        return self._engine.watch(ref)

    async def aclose(self) -> None:
        """Close the wrapped engine."""
        await self._engine.aclose()


class Trips:
    """The twin for threads; its count is exact while one thread calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.calls: Counter[str] = Counter()

    def taken(self) -> dict[str, int]:
        """Return the calls since the last time this was asked, without those that were not made."""
        calls, self.calls = dict(self.calls), Counter()
        return calls

    @property
    def capabilities(self) -> Capabilities:
        """Say what the wrapped engine can do."""
        return self._engine.capabilities

    def setup(self) -> None:
        """Set the wrapped engine up."""
        self._engine.setup()

    def run(self, batch: Batch) -> Reply:
        """Count and run."""
        self.calls["run"] += 1
        return self._engine.run(batch)

    def scan(self, query: Query) -> Page:
        """Count and scan."""
        self.calls["scan"] += 1
        return self._engine.scan(query)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Count and claim."""
        self.calls["claim"] += 1
        return self._engine.claim(due)

    def watch(self, ref: Ref) -> Iterator[int]:
        """Watch through the wrapped engine; what that asks itself is not counted."""
        return self._engine.watch(ref)

    def close(self) -> None:
        """Close the wrapped engine."""
        self._engine.close()
