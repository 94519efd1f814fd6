"""threadkeep's asynchronous store, on SQLite and in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.subjects import TK_MEMORY, TK_SQLITE
from benchmarks.subjects.base import Call, Op
from benchmarks.workload import (
    FIELD_NAMES,
    LAST,
    TTL,
    field_value,
    field_values,
    history,
    pair,
    thread_id,
)
from threadkeep import AsyncStore

if TYPE_CHECKING:
    from threadkeep._async.entity import AsyncThread

_WRITERS = 512
"""Calls in flight while filling: enough for full groups in the writer."""
_ITEMS = 1000
"""Messages given to one append while filling."""


class ThreadkeepSqlite:
    """One `AsyncStore` on a file, thread objects made once."""

    name = TK_SQLITE
    durability = "WAL, FULL"
    note = "sliding lifetime of 1,800 s on each field"
    asynchronous = True

    def _url(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'threadkeep.db'}"

    async def setup(self, folder: Path) -> None:
        self._numbers = count()
        self._store = AsyncStore(self._url(folder), ttl=TTL)
        await self._store.__aenter__()
        self._thread = cache(self._handle)

    async def close(self) -> None:
        await self._store.__aexit__(None, None, None)

    async def fill(self, threads: Sequence[int], fields: int, messages: int) -> None:
        for start in range(0, len(threads), _WRITERS):
            group = threads[start : start + _WRITERS]
            await asyncio.gather(*(self._fill_one(number, fields, messages) for number in group))

    async def _fill_one(self, number: int, field_count: int, messages: int) -> None:
        thread = self._store.thread(thread_id(number))
        if field_count:
            await thread.state.update(field_values(field_count))
        items = history(messages)
        for start in range(0, messages, _ITEMS):
            await thread.messages.append(*items[start : start + _ITEMS])

    def _handle(self, number: int) -> "AsyncThread":
        return self._store.thread(thread_id(number))

    @property
    def calls(self) -> Mapping[Op, Call]:
        return {
            "get": self._get,
            "set": self._set,
            "append": self._append,
            "last": self._last,
            "all": self._all,
            "page": self._page,
        }

    async def _get(self, thread: int) -> object:
        return await self._thread(thread).state.get(FIELD_NAMES[0])

    async def _set(self, thread: int) -> object:
        value = field_value(next(self._numbers))
        return await self._thread(thread).state.set(FIELD_NAMES[1], value)

    async def _append(self, thread: int) -> object:
        return await self._thread(thread).messages.append(*pair(next(self._numbers)))

    async def _last(self, thread: int) -> object:
        return await self._thread(thread).messages.list(last=LAST)

    async def _all(self, thread: int) -> object:
        return await self._thread(thread).state.get_all()

    async def _page(self, thread: int) -> object:
        return [found async for found in self._store.threads(limit=50)]


class ThreadkeepMemory(ThreadkeepSqlite):
    """The same on dicts."""

    name = TK_MEMORY
    durability = "none"

    def _url(self, folder: Path) -> str:
        return "memory://"
