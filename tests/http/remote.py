"""Engines over HTTP for the suite: the engine behind the server has the clock of the test."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import msgspec

from tests.http.hosting import Hosted
from threadkeep import AsyncStore
from threadkeep._async.drivers.http import AsyncHttpEngine
from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.drivers.sqlite import AsyncSqliteEngine
from threadkeep._sync.drivers.http import HttpEngine
from threadkeep.engines.http.url import HttpSettings
from threadkeep.engines.memory import Memory
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine, Capabilities
from threadkeep.server import app

Now = Callable[[], int]
Behind = Callable[[Now, Limits], AsyncEngine]


class AsyncClocked(AsyncHttpEngine):
    """The engine over HTTP, where the server's clock is the test's."""

    @property
    def capabilities(self) -> Capabilities:
        return msgspec.structs.replace(super().capabilities, clock=True)


class Clocked(HttpEngine):
    """The same for threads."""

    @property
    def capabilities(self) -> Capabilities:
        return msgspec.structs.replace(super().capabilities, clock=True)


class Place:
    """What one test keeps behind the server; engines of the same limits share it."""

    def __init__(self, hosted: Hosted, behind: Behind) -> None:
        self._hosted, self._behind = hosted, behind
        self._urls: dict[Limits, str] = {}
        self._stores: list[AsyncStore] = []

    def url(self, now: Now, limits: Limits) -> str:
        if limits not in self._urls:
            store = self._hosted.run(lambda: self._open(now, limits))
            self._stores.append(store)
            self._urls[limits] = self._hosted.mount(os.urandom(6).hex(), app(store))
        return self._urls[limits]

    async def _open(self, now: Now, limits: Limits) -> AsyncStore:
        store = AsyncStore(engine=self._behind(now, limits), limits=limits)
        await store.ready()
        return store

    def make(self, kind: Any) -> Callable[[Now, Limits], Any]:
        return lambda now, limits: self.open(kind, now, limits)

    def open(self, kind: Any, now: Now, limits: Limits) -> Any:
        return kind(HttpSettings(base=self.url(now, limits)))

    def close(self) -> None:
        for store in self._stores:
            self._hosted.run(store.aclose)


def in_memory() -> Behind:
    """Return what opens one memory, with limits of each engine's own."""
    kept: list[Memory] = []

    def behind(now: Now, limits: Limits) -> AsyncEngine:
        engine = AsyncMemoryEngine(now, limits)
        if not kept:
            kept.append(engine._memory)
        else:
            engine._memory = copy(kept[0])
            engine._memory._limits = limits
        return engine

    return behind


def in_file(folder: Path) -> Behind:
    """Return what opens an SQLite file."""
    return lambda now, limits: AsyncSqliteEngine(Settings(path=str(folder / "t.db")), now, limits)
