# Generated from src/threadkeep/_async/caches/caches.py by scripts/unasync. Do not edit.
"""What the caches of a store share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadkeep._sync.caches.counting import Counting
from threadkeep._sync.caches.entries import Entries
from threadkeep._sync.caches.flights import Flights
from threadkeep._sync.caches.policies import Policies
from threadkeep.concurrency import Background
from threadkeep.model.caches import CacheOptions, StoreStats

if TYPE_CHECKING:
    from threadkeep._sync.store import Store


class Caches:
    """Counts, policies, calls under way: one of each for a store."""

    def __init__(self, store: Store, options: CacheOptions) -> None:
        self.background = Background()
        self.counting = Counting(store, options.flush_seconds)
        self.policies = Policies(store)
        self.tools = Entries(store, "tool", self.counting, options, self.policies)
        self.llm = Entries(store, "llm", self.counting, options)
        self.tool_flights = Flights(self.tools, self.background)
        self.llm_flights = Flights(self.llm, self.background)

    def stats(self) -> StoreStats:
        """Return the counts of both caches."""
        return StoreStats(self.counting.read("tool"), self.counting.read("llm"))

    def reset(self) -> None:
        """Set all counts to zero."""
        self.counting.reset("tool")
        self.counting.reset("llm")

    def close(self) -> None:
        """End what runs in the background and send the counts."""
        self.background.stop()
        self.counting.close()
