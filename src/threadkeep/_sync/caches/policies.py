# Generated from src/threadkeep/_async/caches/policies.py by scripts/unasync. Do not edit.
"""The policies of tools, remembered for a while so that storing a result costs one trip."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from threadkeep.layers import cache_policies
from threadkeep.model.caches import ToolPolicy
from threadkeep.model.leases import Lease

if TYPE_CHECKING:
    from threadkeep._sync.store import Store

KEPT_SECONDS = 30


class Policies:
    """The policies of a store's tools; what it remembers is at most 30 seconds old."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, ToolPolicy] = {}
        self._until = 0.0
        self._changes = 0
        self.clock = time.monotonic

    def all(self) -> dict[str, ToolPolicy]:
        """Return the policies by tool; a trip when they are not remembered."""
        if self.clock() < self._until:
            return self._known
        return self.refresh()

    def refresh(self) -> dict[str, ToolPolicy]:
        """Read the policies now."""
        asked, changes = self.clock(), self._changes
        plan = cache_policies.read(self._store.namespace)
        engine = self._store.engine or self._store.ready()
        found = plan.decode(engine.run(plan.batch))
        if changes == self._changes:  # else it may have been read before the change
            self._known, self._until = found, asked + KEPT_SECONDS
        return found

    def set(self, tool: str, lease: Lease) -> None:
        """Write a policy."""
        plan = cache_policies.put(self._store.namespace, tool, lease)
        engine = self._store.engine or self._store.ready()
        try:
            engine.run(plan.batch)
        finally:
            self._forget()

    def delete(self, tool: str) -> bool:
        """Delete a policy; tell whether there was one."""
        plan = cache_policies.remove(self._store.namespace, tool)
        engine = self._store.engine or self._store.ready()
        try:
            return plan.decode(engine.run(plan.batch))
        finally:
            self._forget()

    def _forget(self) -> None:
        self._changes += 1
        self._until = 0.0
