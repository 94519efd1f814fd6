"""What the caches of a store share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadkeep._async.caches.counting import AsyncCounting
from threadkeep._async.caches.entries import AsyncEntries
from threadkeep._async.caches.flights import AsyncFlights
from threadkeep._async.caches.policies import AsyncPolicies
from threadkeep.concurrency import AsyncBackground
from threadkeep.model.caches import CacheOptions, StoreStats

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore


class AsyncCaches:
    """Counts, policies, calls under way: one of each for a store."""

    def __init__(self, store: AsyncStore, options: CacheOptions) -> None:
        self.background = AsyncBackground()
        self.counting = AsyncCounting(store, options.flush_seconds)
        self.policies = AsyncPolicies(store)
        self.tools = AsyncEntries(store, "tool", self.counting, options, self.policies)
        self.llm = AsyncEntries(store, "llm", self.counting, options)
        self.tool_flights = AsyncFlights(self.tools, self.background)
        self.llm_flights = AsyncFlights(self.llm, self.background)

    async def stats(self) -> StoreStats:
        """Return the counts of both caches."""
        return StoreStats(await self.counting.read("tool"), await self.counting.read("llm"))

    async def reset(self) -> None:
        """Set all counts to zero."""
        await self.counting.reset("tool")
        await self.counting.reset("llm")

    async def aclose(self) -> None:
        """End what runs in the background and send the counts."""
        await self.background.stop()
        await self.counting.aclose()
