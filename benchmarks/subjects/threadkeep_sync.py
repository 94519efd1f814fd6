"""threadkeep's synchronous store, on SQLite and in memory."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.subjects import TK_MEMORY_SYNC, TK_SQLITE_SYNC
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
from threadkeep import Store

if TYPE_CHECKING:
    from threadkeep._sync.entity import Thread

_WRITERS = 32
"""Threads that fill, so that the writer gets groups."""
_ITEMS = 1000


class ThreadkeepSqliteSync:
    """One `Store` on a file, shared by all callers' threads."""

    name = TK_SQLITE_SYNC
    durability = "WAL, FULL"
    note = "sliding lifetime of 1,800 s on each field; the callers are threads"
    asynchronous = False

    def _url(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'threadkeep.db'}"

    def setup(self, folder: Path) -> None:
        self._numbers = count()
        self._store = Store(self._url(folder), ttl=TTL)
        self._store.__enter__()
        self._thread = cache(self._handle)

    def close(self) -> None:
        self._store.__exit__(None, None, None)

    def fill(self, threads: Sequence[int], fields: int, messages: int) -> None:
        with ThreadPoolExecutor(_WRITERS) as writers:
            done = [writers.submit(self._fill_one, number, fields, messages) for number in threads]
        for filled in done:
            filled.result()

    def _fill_one(self, number: int, field_count: int, messages: int) -> None:
        thread = self._store.thread(thread_id(number))
        if field_count:
            thread.state.update(field_values(field_count))
        items = history(messages)
        for start in range(0, messages, _ITEMS):
            thread.messages.append(*items[start : start + _ITEMS])

    def _handle(self, number: int) -> "Thread":
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

    def _get(self, thread: int) -> object:
        return self._thread(thread).state.get(FIELD_NAMES[0])

    def _set(self, thread: int) -> object:
        return self._thread(thread).state.set(FIELD_NAMES[1], field_value(next(self._numbers)))

    def _append(self, thread: int) -> object:
        return self._thread(thread).messages.append(*pair(next(self._numbers)))

    def _last(self, thread: int) -> object:
        return self._thread(thread).messages.list(last=LAST)

    def _all(self, thread: int) -> object:
        return self._thread(thread).state.get_all()

    def _page(self, thread: int) -> object:
        return list(self._store.threads(limit=50))


class ThreadkeepMemorySync(ThreadkeepSqliteSync):
    """The same on dicts."""

    name = TK_MEMORY_SYNC
    durability = "none"

    def _url(self, folder: Path) -> str:
        return "memory://"
