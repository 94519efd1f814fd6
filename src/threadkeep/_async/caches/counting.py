"""Counts: added up in the process, sent to the store in the background."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from threadkeep.concurrency import AsyncLock, AsyncPeriodic
from threadkeep.errors import ThreadkeepError, UsageError
from threadkeep.layers import cache_counts
from threadkeep.model.caches import CacheStats
from threadkeep.model.ids import new_id
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

log = logging.getLogger("threadkeep")
NAMES = 10_000  # of a kind that wait to be sent; what comes then is counted together


class AsyncCounting:
    """The counts of a store's caches, so that no lookup costs a trip more.

    They are sent once a second while there are any, at `stats` and at the end; a process that is killed
    loses those of its last second.
    """

    def __init__(self, store: AsyncStore, every: float) -> None:
        self._store, self._every = store, every
        self._guard = threading.Lock()  # never held over a call
        self._counted: dict[str, dict[str | None, cache_counts.Counted]] = {}
        self._unsent: list[Batch] = []
        self._sending = AsyncLock()
        self._runner: AsyncPeriodic | None = None

    def note(self, kind: str, name: str, **counts: int) -> None:
        """Count something of a tool or model."""
        with self._guard:
            by_name = self._counted.setdefault(kind, {})
            known = len(by_name) < NAMES or name in by_name
            mine = by_name.setdefault(name if known else None, {})
            for counter, by in counts.items():
                mine[counter] = mine.get(counter, 0) + by
            if self._runner is None:
                self._runner = AsyncPeriodic(self._tick, self._every)
                self._runner.start()

    async def _tick(self) -> None:
        failed = False
        try:
            await self.flush()
        except Exception as error:  # noqa: BLE001 - the counts stay, for the next time
            log.warning("cache counts not sent yet: %s", type(error).__name__)
            failed = True
        with self._guard:
            if self._runner is None or (not failed and (self._counted or self._unsent)):
                return
            runner, self._runner = self._runner, None
        await runner.stop()

    async def flush(self) -> None:
        """Send what was counted."""
        async with self._sending:
            await self._send()
            with self._guard:
                counted, self._counted = self._counted, {}
                for kind, by_name in counted.items():
                    once = new_id("counts")
                    self._unsent += cache_counts.add(self._store.namespace, kind, by_name, once)
            await self._send()

    async def _send(self) -> None:
        refused = False
        while self._unsent:
            engine = self._store.engine or await self._store.ready()
            try:
                await engine.run(self._unsent[0])
            except UsageError:  # no room, or a count that is damaged
                self._unsent[:1] = cache_counts.smaller(self._unsent[0])
                refused = True
            else:
                del self._unsent[0]
        if refused:
            log.warning("cache counts of some names cannot be kept apart: they are added up")

    async def _shards(self, kind: str) -> list[Ref]:
        engine = await self._store.ready()
        page = await engine.scan(cache_counts.shards(self._store.namespace, kind))
        return [listed.ref for listed in page.items]

    async def read(self, kind: str) -> CacheStats:
        """Return the counts of a kind over all processes; those of this one are sent first."""
        await self.flush()
        engine = await self._store.ready()
        found: list[cache_counts.Found] = []
        for ref in await self._shards(kind):
            plan = cache_counts.read(ref)
            found.append(plan.decode(await engine.run(plan.batch)))
        return cache_counts.total(found)

    async def reset(self, kind: str) -> None:
        """Begin anew at zero."""
        await self.flush()
        engine = await self._store.ready()
        for ref in await self._shards(kind):
            await engine.run(cache_counts.reset(ref).batch)

    async def aclose(self) -> None:
        """Send the rest and end."""
        with self._guard:
            runner, self._runner = self._runner, None
        if runner is not None:
            await runner.stop()
        if self._counted or self._unsent:
            try:
                await self.flush()
            except ThreadkeepError as error:
                log.warning("cache counts lost at the end: %s", type(error).__name__)
