"""The policies of tools, remembered for a while so that storing a result costs one trip."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from threadkeep.layers import cache_policies
from threadkeep.model.caches import ToolPolicy
from threadkeep.model.leases import Lease

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

KEPT_SECONDS = 30


class AsyncPolicies:
    """The policies of a store's tools; what it remembers is at most 30 seconds old."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._known: dict[str, ToolPolicy] = {}
        self._until = 0.0
        self._changes = 0
        self.clock = time.monotonic

    async def all(self) -> dict[str, ToolPolicy]:
        """Return the policies by tool; a trip when they are not remembered."""
        if self.clock() < self._until:
            return self._known
        return await self.refresh()

    async def refresh(self) -> dict[str, ToolPolicy]:
        """Read the policies now."""
        asked, changes = self.clock(), self._changes
        plan = cache_policies.read(self._store.namespace)
        engine = self._store.engine or await self._store.ready()
        found = plan.decode(await engine.run(plan.batch))
        if changes == self._changes:  # else it may have been read before the change
            self._known, self._until = found, asked + KEPT_SECONDS
        return found

    async def set(self, tool: str, lease: Lease) -> None:
        """Write a policy."""
        plan = cache_policies.put(self._store.namespace, tool, lease)
        engine = self._store.engine or await self._store.ready()
        try:
            await engine.run(plan.batch)
        finally:
            self._forget()

    async def delete(self, tool: str) -> bool:
        """Delete a policy; tell whether there was one."""
        plan = cache_policies.remove(self._store.namespace, tool)
        engine = self._store.engine or await self._store.ready()
        try:
            return plan.decode(await engine.run(plan.batch))
        finally:
            self._forget()

    def _forget(self) -> None:
        self._changes += 1
        self._until = 0.0
