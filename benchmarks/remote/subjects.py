"""The systems under test on a server: what each does for one operation on one thread."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import import_module
from itertools import count
from typing import Any, Final

from benchmarks.subjects.base import Call, Op
from benchmarks.workload import (
    FIELD_NAMES,
    FIELDS,
    HISTORY,
    LAST,
    TTL,
    field_value,
    field_values,
    history,
    pair,
    thread_id,
)

RAW: Final = "raw redis-py"
TK: Final = "threadkeep"
BETTERDB: Final = "betterdb-agent-cache"
OPENAI: Final = "openai-agents RedisSession"
KEY_VALUE: Final = "py-key-value Redis"
WITHOUT_MODULES: Final = {
    "langgraph-checkpoint-redis": "it asks for the modules RediSearch and RedisJSON"
}
_TOOL, _GROUP = "weather", 64


class Remote:
    """One system on the server at a port; `calls` holds what it has, the rest is left out."""

    name: str
    note = ""

    def __init__(self, port: int) -> None:
        self.port = port
        self.numbers = count()
        self.calls: Mapping[Op, Call] = {}

    async def setup(self) -> None:
        """Connect."""

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        """Give a thread so many fields and messages, and a tool result."""

    async def fill(self, threads: range, fields: int = FIELDS, messages: int = HISTORY) -> None:
        """Fill threads, many at once."""
        for start in range(threads.start, threads.stop, _GROUP):
            group = range(start, min(start + _GROUP, threads.stop))
            await asyncio.gather(*(self.fill_one(n, fields, messages) for n in group))

    async def close(self) -> None:
        """Disconnect."""


def _of(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


class Raw(Remote):
    """The client as the peers use it, without anything around it."""

    name = RAW
    note = "GET, SET EX, HGETALL of one hash, each from its own call"

    async def setup(self) -> None:
        self.client = _of("redis.asyncio", "Redis")(port=self.port)
        self.calls = {"get": self._get, "set": self._set, "all": self._all}

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        await self.client.set(f"raw:{thread_id(number)}", field_value(number))
        await self.client.hset(f"rawh:{thread_id(number)}", mapping=field_values(fields))

    async def _get(self, thread: int) -> object:
        return await self.client.get(f"raw:{thread_id(thread)}")

    async def _set(self, thread: int) -> object:
        value = field_value(next(self.numbers))
        return await self.client.set(f"raw:{thread_id(thread)}", value, ex=int(TTL))

    async def _all(self, thread: int) -> object:
        return await self.client.hgetall(f"rawh:{thread_id(thread)}")

    async def close(self) -> None:
        await self.client.aclose()


class Threadkeep(Remote):
    """`AsyncStore` as it comes."""

    name = TK
    note = "sliding lifetime of 1,800 s on each field"

    async def setup(self) -> None:
        store = _of("threadkeep", "AsyncStore")
        self.store = store(f"redis://127.0.0.1:{self.port}", ttl=TTL)
        await self.store.ready()
        self.thread = cache(lambda number: self.store.thread(thread_id(number)))
        calls: dict[Op, Callable[[int], Awaitable[object]]] = {
            "get": lambda t: self.thread(t).state.get(FIELD_NAMES[0]),
            "set": lambda t: self.thread(t).state.set(
                FIELD_NAMES[1], field_value(next(self.numbers))
            ),
            "all": lambda t: self.thread(t).state.get_all(),
            "append": lambda t: self.thread(t).messages.append(*pair(next(self.numbers))),
            "last": lambda t: self.thread(t).messages.list(last=LAST),
            "check": lambda t: self.store.tools.check(_TOOL, {"city": t}),
        }
        self.calls = calls

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        thread = self.store.thread(thread_id(number))
        if fields:
            await thread.state.update(field_values(fields))
        if messages:
            await thread.messages.append(*history(messages))
            await self.store.tools.store(_TOOL, {"city": number}, "sun", ttl=TTL)

    async def close(self) -> None:
        await self.store.aclose()


class BetterDb(Remote):
    """The cache that seeds sessions with one key a field."""

    name = BETTERDB
    note = "analytics, discovery and refreshing of policies off"

    async def setup(self) -> None:
        types = import_module("betterdb_agent_cache.types")
        self.client = _of("valkey.asyncio", "Valkey")(port=self.port)
        options = types.AgentCacheOptions(client=self.client, default_ttl=int(TTL))
        options.analytics.disabled = True
        options.config_refresh.enabled = False
        options.discovery.enabled = False
        self.cache = _of("betterdb_agent_cache", "AgentCache")(options)
        self.options = types.ToolStoreOptions(ttl=int(TTL))
        calls: dict[Op, Callable[[int], Awaitable[object]]] = {
            "get": lambda t: self.cache.session.get(thread_id(t), FIELD_NAMES[0]),
            "set": lambda t: self.cache.session.set(
                thread_id(t), FIELD_NAMES[1], field_value(next(self.numbers))
            ),
            "all": lambda t: self.cache.session.get_all(thread_id(t)),
            "check": lambda t: self.cache.tool.check(_TOOL, {"city": t}),
        }
        self.calls = calls

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        for name, value in field_values(fields).items():
            await self.cache.session.set(thread_id(number), name, value)
        if messages:
            await self.cache.tool.store(_TOOL, {"city": number}, "sun", self.options)

    async def close(self) -> None:
        await self.cache.shutdown()
        await self.client.aclose()


class OpenAi(Remote):
    """The session of the OpenAI Agents SDK: message history only."""

    name = OPENAI
    note = "message history only; one client for all sessions"

    async def setup(self) -> None:
        kind = _of("agents.extensions.memory.redis_session", "RedisSession")
        self.client = _of("redis.asyncio", "Redis")(port=self.port)
        self.session = cache(lambda n: kind(thread_id(n), redis_client=self.client))
        calls: dict[Op, Callable[[int], Awaitable[object]]] = {
            "append": lambda t: self.session(t).add_items(list(pair(next(self.numbers)))),
            "last": lambda t: self.session(t).get_items(limit=LAST),
        }
        self.calls = calls

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        await self.session(number).add_items(list(history(messages)))

    async def close(self) -> None:
        await self.client.aclose()


class KeyValue(Remote):
    """py-key-value's store: a collection for each thread, a key for each field."""

    name = KEY_VALUE
    note = "all 20 fields = get_many of 20 known keys"

    async def setup(self) -> None:
        kind = _of("key_value.aio.stores.redis", "RedisStore")
        self.store = kind(url=f"redis://127.0.0.1:{self.port}/0")
        await self.store.setup()
        calls: dict[Op, Callable[[int], Awaitable[object]]] = {
            "get": lambda t: self.store.get(FIELD_NAMES[0], collection=thread_id(t)),
            "set": lambda t: self.store.put(
                FIELD_NAMES[1],
                {"value": field_value(next(self.numbers))},
                collection=thread_id(t),
                ttl=TTL,
            ),
            "all": lambda t: self.store.get_many(FIELD_NAMES, collection=thread_id(t)),
        }
        self.calls = calls

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        values = field_values(fields)
        boxed = [{"value": value} for value in values.values()]
        await self.store.put_many(list(values), boxed, collection=thread_id(number), ttl=TTL)

    async def close(self) -> None:
        await self.store.close()


ALL: Final[tuple[type[Remote], ...]] = (Raw, Threadkeep, BetterDb, OpenAi, KeyValue)
