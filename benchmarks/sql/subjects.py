"""The systems under test on an SQL server: what each does for one operation on one thread."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from benchmarks.remote.subjects import Remote
from benchmarks.sql.server import Database
from benchmarks.subjects.base import Op
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

RAW: Final = "raw psycopg, pool of 8"
TK: Final = "threadkeep"
LANGGRAPH: Final = "langgraph AsyncPostgresSaver"
OPENAI: Final = "openai-agents SQLAlchemySession"
ADK: Final = "google-adk DatabaseSessionService"
POOL, _CHUNK, APP = 8, 1_000, "bench"

Calls = dict[Op, Callable[[int], Awaitable[object]]]


def of(module: str, name: str) -> Any:
    """Return what a module has under that name; it is loaded only now."""
    return getattr(import_module(module), name)


class OnServer(Remote):
    """One system in a database of its own."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.port)
        self.database = database


class Raw(OnServer):
    """What a program writes that does it by itself: tables made for the work, a statement for each."""

    name = RAW
    note = "one statement each; a turn is a transaction in a pipeline"
    _TABLES = """
        create table field (thread text, name text, value text, expires timestamptz, primary key (thread, name));
        create table thread (thread text primary key, head bigint not null, n bigint not null);
        create table message (thread text, seq bigint, body text, primary key (thread, seq));
    """
    _GET = "select value from field where thread = %s and name = %s and expires > now()"
    _SET = (
        "insert into field values (%s, %s, %s, now() + interval '1800 s') on conflict (thread, name)"
        " do update set value = excluded.value, expires = excluded.expires"
    )
    _APPEND = (
        "with h as (insert into thread values (%s, 2, 0) on conflict (thread)"
        " do update set head = thread.head + 2 returning thread, head)"
        " insert into message select h.thread, h.head - 2 + b.n, b.body from h,"
        " unnest(%s::text[]) with ordinality b (body, n)"
    )
    _COUNT = "update thread set n = n + 1 where thread = %s"

    async def setup(self) -> None:
        pool = of("psycopg_pool", "AsyncConnectionPool")
        self.pool = pool(
            f"postgresql://{self.database.place}",
            kwargs={"autocommit": True}, min_size=POOL, max_size=POOL, open=False,
        )  # fmt: skip
        await self.pool.open(wait=True)
        async with self.pool.connection() as con:
            await con.execute(self._TABLES)
        calls: Calls = {
            "get": self._get,
            "set": lambda t: self._do(self._SET, (thread_id(t), FIELD_NAMES[1], self._value())),
            "append": lambda t: self._do(self._APPEND, (thread_id(t), self._pair())),
            "last": lambda t: self._rows(
                "select body from message where thread = %s order by seq desc limit %s",
                (thread_id(t), LAST),
            ),
            "all": lambda t: self._rows(
                "select name, value from field where thread = %s and expires > now()",
                (thread_id(t),),
            ),
            "turn": self._turn,
        }
        self.calls = calls

    def _value(self) -> str:
        return field_value(next(self.numbers))

    def _pair(self) -> list[str]:
        return [json.dumps(message) for message in pair(next(self.numbers))]

    async def _do(self, statement: str, args: tuple[object, ...]) -> None:
        async with self.pool.connection() as con:
            await con.execute(statement, args)

    async def _rows(self, statement: str, args: tuple[object, ...]) -> list[Any]:
        async with self.pool.connection() as con:
            return await (await con.execute(statement, args)).fetchall()

    async def _get(self, thread: int) -> object:
        return await self._rows(self._GET, (thread_id(thread), FIELD_NAMES[0]))

    async def _turn(self, thread: int) -> None:
        key = thread_id(thread)
        async with self.pool.connection() as con, con.pipeline(), con.transaction():
            await con.execute(self._APPEND, (key, self._pair()))
            for name in FIELD_NAMES[1:4]:
                await con.execute(self._SET, (key, name, self._value()))
            await con.execute(self._COUNT, (key,))

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        key = thread_id(number)
        async with self.pool.connection() as con, con.transaction(), con.cursor() as cursor:
            values = field_values(fields).items()
            await cursor.executemany(self._SET, [(key, name, value) for name, value in values])
            bodies = [json.dumps(message) for message in history(messages)]
            for low in range(0, messages, 2):
                await cursor.execute(self._APPEND, (key, bodies[low : low + 2]))

    async def close(self) -> None:
        await self.pool.close()


class Threadkeep(OnServer):
    """`AsyncStore` as it comes."""

    name = TK
    scheme = "postgresql"
    note = "sliding lifetime of 1,800 s on each field; a turn is one batch"

    async def setup(self) -> None:
        store = of("threadkeep", "AsyncStore")
        self.store = store(f"{self.scheme}://{self.database.place}", ttl=TTL)
        self.engine = await self.store.ready()
        self.thread = cache(lambda number: self.store.thread(thread_id(number)))
        calls: Calls = {
            "get": lambda t: self.thread(t).state.get(FIELD_NAMES[0]),
            "set": lambda t: self.thread(t).state.set(
                FIELD_NAMES[1], field_value(next(self.numbers))
            ),
            "append": lambda t: self.thread(t).messages.append(*pair(next(self.numbers))),
            "last": lambda t: self.thread(t).messages.list(last=LAST),
            "all": lambda t: self.thread(t).state.get_all(),
            "turn": self._turn,
            "page": lambda _: self._listed(50),
            "sessions": lambda _: self._listed(None),
            "events": lambda t: self.thread(t).messages.list(),
        }
        self.calls = calls

    async def _listed(self, limit: int | None) -> list[object]:
        return [found async for found in self.store.threads(limit=limit)]

    async def _turn(self, thread: int) -> object:
        ops, lease = import_module("threadkeep.ops.ops"), of("threadkeep.model.leases", "Lease")
        number = next(self.numbers)
        values = {n: b'j"%b"' % field_value(number).encode() for n in FIELD_NAMES[1:4]}
        writes = (
            ops.Append("messages", tuple(b"j" + json.dumps(m).encode() for m in pair(number))),
            ops.Set("state", values, lease(window=int(TTL * 1e6))),
            ops.Incr("state", "count", 1),
        )
        ref = of("threadkeep.model.refs", "Ref")("default", "thread", thread_id(thread))
        return await self.engine.run(of("threadkeep.ops.batch", "Batch")(ref, writes))

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        thread = self.store.thread(thread_id(number))
        if fields:
            await thread.state.update(field_values(fields))
        items = history(messages)
        for low in range(0, messages, _CHUNK):
            await thread.messages.append(*items[low : low + _CHUNK])

    async def close(self) -> None:
        await self.store.aclose()


class Langgraph(OnServer):
    """The checkpointer of LangGraph: the history is a value of a channel, written whole by each append."""

    name = LANGGRAPH
    note = "append = aget_tuple + aput of the history it was filled with and two messages"

    async def setup(self) -> None:
        saver = of("langgraph.checkpoint.postgres.aio", "AsyncPostgresSaver")
        self._opened = saver.from_conn_string(f"postgresql://{self.database.place}")
        self.saver = await self._opened.__aenter__()
        await self.saver.setup()
        self.empty = of("langgraph.checkpoint.base", "empty_checkpoint")
        self.sizes: dict[int, int] = {}
        calls: Calls = {"append": self._append, "last": self._last, "events": self._load}
        self.calls = calls

    def _config(self, thread: int) -> Any:
        return {"configurable": {"thread_id": thread_id(thread), "checkpoint_ns": ""}}

    async def _put(self, config: Any, messages: list[Any], version: str | None) -> object:
        new = {"messages": self.saver.get_next_version(version, None)}
        checkpoint = self.empty()
        checkpoint["channel_values"] = {"messages": messages}
        checkpoint["channel_versions"] = dict(new)
        return await self.saver.aput(config, checkpoint, {"source": "loop", "step": 1}, dict(new))

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        self.sizes[number] = messages
        await self._put(self._config(number), history(messages), None)

    async def _load(self, thread: int) -> list[Any]:
        found = await self.saver.aget_tuple(self._config(thread))
        return list(found.checkpoint["channel_values"]["messages"])

    async def _append(self, thread: int) -> object:
        found = await self.saver.aget_tuple(self._config(thread))
        messages = found.checkpoint["channel_values"]["messages"][: self.sizes[thread]]
        version = str(found.checkpoint["channel_versions"]["messages"])
        return await self._put(found.config, [*messages, *pair(next(self.numbers))], version)

    async def _last(self, thread: int) -> list[Any]:
        return (await self._load(thread))[-LAST:]

    async def close(self) -> None:
        await self._opened.__aexit__(None, None, None)


class OpenAi(OnServer):
    """The session of the OpenAI Agents SDK: message history only."""

    name = OPENAI
    note = "message history only; one SQLAlchemy engine, with asyncpg or asyncmy, for all sessions"
    dialect = "postgresql+asyncpg"

    async def setup(self) -> None:
        kind = of("agents.extensions.memory.sqlalchemy_session", "SQLAlchemySession")
        url = f"{self.dialect}://{self.database.place}"
        self.engine = of("sqlalchemy.ext.asyncio", "create_async_engine")(url, pool_size=POOL)
        self.session = cache(lambda n: kind(thread_id(n), engine=self.engine, create_tables=n == 0))
        await self.session(0).add_items(list(history(2)))
        await self.session(0).clear_session()
        calls: Calls = {
            "append": lambda t: self.session(t).add_items(list(pair(next(self.numbers)))),
            "last": lambda t: self.session(t).get_items(limit=LAST),
            "events": lambda t: self.session(t).get_items(),
        }
        self.calls = calls

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        items = history(messages)
        for low in range(0, messages, _CHUNK):
            await self.session(number).add_items(list(items[low : low + _CHUNK]))

    async def close(self) -> None:
        await self.engine.dispose()


class Adk(OnServer):
    """The session service of Google's ADK: an event is read, checked and written in a transaction of its own."""

    name = ADK
    note = "append = get_session once, then two append_event; last = num_recent_events"
    dialect = "postgresql+asyncpg"

    async def setup(self) -> None:
        kind = of("google.adk.sessions", "DatabaseSessionService")
        self.service = kind(f"{self.dialect}://{self.database.place}", pool_size=POOL)
        self.event, self.types = (
            of("google.adk.events", "Event"),
            import_module("google.genai.types"),
        )
        self.config = of("google.adk.sessions.base_session_service", "GetSessionConfig")
        self.held: dict[int, Any] = {}
        calls: Calls = {
            "append": self._append,
            "last": self._last,
            "sessions": self._sessions,
            "events": self._events,
        }
        self.calls = calls

    def _event(self, message: dict[str, str]) -> Any:
        part = self.types.Part(text=message["content"])
        author = "user" if message["role"] == "user" else "model"
        return self.event(author=author, content=self.types.Content(role=author, parts=[part]))

    async def _get(self, thread: int, config: Any = None) -> Any:
        return await self.service.get_session(
            app_name=APP, user_id="user", session_id=thread_id(thread), config=config
        )

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        session = await self.service.create_session(
            app_name=APP,
            user_id="user",
            session_id=thread_id(number),
            state=dict(field_values(fields)),
        )
        for message in history(messages):
            await self.service.append_event(session, self._event(message))

    async def _append(self, thread: int) -> None:
        if thread not in self.held:
            self.held[thread] = await self._get(thread)
        for message in pair(next(self.numbers)):
            await self.service.append_event(self.held[thread], self._event(message))

    async def _last(self, thread: int) -> list[Any]:
        return list((await self._get(thread, self.config(num_recent_events=LAST))).events)

    async def _sessions(self, _: int) -> list[Any]:
        return list((await self.service.list_sessions(app_name=APP, user_id="user")).sessions)

    async def _events(self, thread: int) -> list[Any]:
        return list((await self._get(thread)).events)

    async def close(self) -> None:
        await asyncio.sleep(0)
        await self.service.close()
