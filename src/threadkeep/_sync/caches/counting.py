# Generated from src/threadkeep/_async/caches/counting.py by scripts/unasync. Do not edit.
"""Counts: added up in the process, sent to the store in the background."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from threadkeep.concurrency import Lock, Periodic
from threadkeep.errors import ThreadkeepError, UsageError
from threadkeep.layers import cache_counts
from threadkeep.model.caches import CacheStats
from threadkeep.model.ids import new_id
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch

if TYPE_CHECKING:
    from threadkeep._sync.store import Store

log = logging.getLogger("threadkeep")
NAMES = 10_000  # of a kind that wait to be sent; what comes then is counted together


class Counting:
    """The counts of a store's caches, so that no lookup costs a trip more.

    They are sent once a second while there are any, at `stats` and at the end; a process that is killed
    loses those of its last second.
    """

    def __init__(self, store: Store, every: float) -> None:
        self._store, self._every = store, every
        self._guard = threading.Lock()  # never held over a call
        self._counted: dict[str, dict[str | None, cache_counts.Counted]] = {}
        self._unsent: list[Batch] = []
        self._sending = Lock()
        self._runner: Periodic | None = None

    def note(self, kind: str, name: str, **counts: int) -> None:
        """Count something of a tool or model."""
        with self._guard:
            by_name = self._counted.setdefault(kind, {})
            known = len(by_name) < NAMES or name in by_name
            mine = by_name.setdefault(name if known else None, {})
            for counter, by in counts.items():
                mine[counter] = mine.get(counter, 0) + by
            if self._runner is None:
                self._runner = Periodic(self._tick, self._every)
                self._runner.start()

    def _tick(self) -> None:
        failed = False
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - the counts stay, for the next time
            log.warning("cache counts not sent yet: %s", type(error).__name__)
            failed = True
        with self._guard:
            if self._runner is None or (not failed and (self._counted or self._unsent)):
                return
            runner, self._runner = self._runner, None
        runner.stop()

    def flush(self) -> None:
        """Send what was counted."""
        with self._sending:
            self._send()
            with self._guard:
                counted, self._counted = self._counted, {}
                for kind, by_name in counted.items():
                    once = new_id("counts")
                    self._unsent += cache_counts.add(self._store.namespace, kind, by_name, once)
            self._send()

    def _send(self) -> None:
        refused = False
        while self._unsent:
            engine = self._store.engine or self._store.ready()
            try:
                engine.run(self._unsent[0])
            except UsageError:  # no room, or a count that is damaged
                self._unsent[:1] = cache_counts.smaller(self._unsent[0])
                refused = True
            else:
                del self._unsent[0]
        if refused:
            log.warning("cache counts of some names cannot be kept apart: they are added up")

    def _shards(self, kind: str) -> list[Ref]:
        engine = self._store.ready()
        page = engine.scan(cache_counts.shards(self._store.namespace, kind))
        return [listed.ref for listed in page.items]

    def read(self, kind: str) -> CacheStats:
        """Return the counts of a kind over all processes; those of this one are sent first."""
        self.flush()
        engine = self._store.ready()
        found: list[cache_counts.Found] = []
        for ref in self._shards(kind):
            plan = cache_counts.read(ref)
            found.append(plan.decode(engine.run(plan.batch)))
        return cache_counts.total(found)

    def reset(self, kind: str) -> None:
        """Begin anew at zero."""
        self.flush()
        engine = self._store.ready()
        for ref in self._shards(kind):
            engine.run(cache_counts.reset(ref).batch)

    def close(self) -> None:
        """Send the rest and end."""
        with self._guard:
            runner, self._runner = self._runner, None
        if runner is not None:
            runner.stop()
        if self._counted or self._unsent:
            try:
                self.flush()
            except ThreadkeepError as error:
                log.warning("cache counts lost at the end: %s", type(error).__name__)
