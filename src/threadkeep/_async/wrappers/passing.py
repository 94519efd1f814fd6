"""What every wrapper does by default: pass the call on."""

from __future__ import annotations

from collections.abc import AsyncIterator

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine, Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply


class AsyncPassing:
    """An engine that does nothing of its own; `inner` is the one it wraps."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.inner = engine

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def setup(self) -> None:
        await self.inner.setup()

    async def run(self, batch: Batch) -> Reply:
        return await self.inner.run(batch)

    async def scan(self, query: Query) -> Page:
        return await self.inner.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        return await self.inner.claim(due)

    def watch(self, ref: Ref) -> AsyncIterator[int]:
        return self.inner.watch(ref)

    async def aclose(self) -> None:
        await self.inner.aclose()
