"""What holds for key-value namespaces, remembered for a while so that calls cost one trip."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from threadkeep._async.scope import AsyncScope
from threadkeep.layers import directory, kv_defaults
from threadkeep.model.kv import KvDefaults
from threadkeep.ops.batch import Plan

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

KEPT_SECONDS = 30
MOST = 1_000


class AsyncKnownDefaults:
    """The defaults of the namespaces that a store has met; what it remembers is at most 30 seconds old."""

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._known: dict[str, tuple[KvDefaults, float]] = {}
        self._forgotten = 0
        self.clock = time.monotonic

    async def get(self, prefix: str) -> KvDefaults:
        """Return what holds for the namespace of this prefix; a trip when it is not remembered."""
        known = self._known.get(prefix)
        if known is not None and known[1] > self.clock():
            return known[0]
        asked, forgotten = self.clock(), self._forgotten
        plan = kv_defaults.get(self._store.namespace, prefix)
        defaults = await self._scope(plan).read(plan)
        if forgotten == self._forgotten:  # else it may have been read before it was changed
            self._keep(prefix, defaults, asked)
        return defaults

    async def set(self, prefix: str, defaults: KvDefaults) -> None:
        """Write what holds for the namespace of this prefix."""
        plan = kv_defaults.put(self._store.namespace, prefix, defaults)
        self.forget(prefix)
        await self._scope(plan).write(plan)
        self.forget(prefix)

    async def drop(self, prefix: str) -> None:
        """Remove what holds for the namespace of this prefix."""
        plan = directory.destroy(kv_defaults.get(self._store.namespace, prefix).batch.ref)
        self.forget(prefix)
        await self._scope(plan).write(plan)
        self.forget(prefix)

    def forget(self, prefix: str) -> None:
        """Ask again at the next call."""
        self._forgotten += 1
        self._known.pop(prefix, None)

    def _scope(self, plan: Plan[Any]) -> AsyncScope:
        return AsyncScope(self._store, plan.batch.ref)

    def _keep(self, prefix: str, defaults: KvDefaults, asked: float) -> None:
        self._known.pop(prefix, None)
        while len(self._known) >= MOST:
            self._known.pop(next(iter(self._known)), None)
        self._known[prefix] = (defaults, asked + KEPT_SECONDS)
