"""py-key-value's memory and disk stores: fields only, one key each."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from diskcache import Cache
from key_value.aio.stores.disk import DiskStore
from key_value.aio.stores.memory import MemoryStore

from benchmarks.subjects import KV_DISK, KV_DISK_DEFAULT, KV_MEMORY
from benchmarks.subjects.base import Call, Op
from benchmarks.workload import FIELD_NAMES, TTL, field_value, field_values, thread_id

if TYPE_CHECKING:
    from key_value.aio.stores.base import BaseStore

_FULL = 2
"""SQLite's number for synchronous = FULL."""


class KeyValueMemory:
    """A collection for each thread, a key for each field."""

    name = KV_MEMORY
    durability = "none"
    note = "ttl of 1,800 s on each key; all 20 fields = get_many of 20 known keys"
    asynchronous = True

    def _open(self, folder: Path) -> "BaseStore":
        return MemoryStore()

    async def setup(self, folder: Path) -> None:
        self._numbers = count()
        self._ids: dict[int, str] = {}
        self._store = self._open(folder)
        await self._store.setup()

    async def close(self) -> None:
        if isinstance(self._store, DiskStore):
            await self._store.close()

    async def fill(self, threads: Sequence[int], fields: int, messages: int) -> None:
        for number in threads:
            self._ids[number] = thread_id(number)
            await self._fill_one(self._ids[number], fields)

    async def _fill_one(self, thread: str, field_count: int) -> None:
        values = field_values(field_count)
        boxed = [{"value": value} for value in values.values()]
        await self._store.put_many(list(values), boxed, collection=thread, ttl=TTL)

    @property
    def calls(self) -> Mapping[Op, Call]:
        return {"get": self._get, "set": self._set, "all": self._all}

    async def _get(self, thread: int) -> object:
        return await self._store.get(FIELD_NAMES[0], collection=self._ids[thread])

    async def _set(self, thread: int) -> object:
        value = {"value": field_value(next(self._numbers))}
        collection = self._ids[thread]
        return await self._store.put(FIELD_NAMES[1], value, collection=collection, ttl=TTL)

    async def _all(self, thread: int) -> object:
        return await self._store.get_many(FIELD_NAMES, collection=self._ids[thread])


class KeyValueDisk(KeyValueMemory):
    """Its disk store as it comes."""

    name = KV_DISK_DEFAULT
    durability = "WAL, NORMAL"

    def _open(self, folder: Path) -> "BaseStore":
        return DiskStore(directory=folder)


class KeyValueDiskFull(KeyValueDisk):
    """Its disk store with the durability that the others have."""

    name = KV_DISK
    durability = "WAL, FULL"

    def _open(self, folder: Path) -> "BaseStore":
        # diskcache keeps its settings in the file; DiskStore(disk_cache=) fails on an empty Cache
        Cache(directory=folder, eviction_policy="none", sqlite_synchronous=_FULL).close()
        return super()._open(folder)
