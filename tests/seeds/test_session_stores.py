"""The snippets of a session management page (in memory, SQLite, SQL by a driver, Redis), ported line by line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
import redis.asyncio as redis

from tests.servers.postgres import PostgresServer
from threadkeep import AsyncStore
from threadkeep.engines.document import Document
from threadkeep.engines.query import AsyncQueryDocuments

pytestmark = pytest.mark.anyio


class Agent:
    """`agent({..., sessionStore})`: each run loads the history of its session and adds to it."""

    def __init__(self, session_store: AsyncStore | None) -> None:
        self._sessions = session_store

    async def run(self, prompt: str, *, session_id: str) -> str:
        """Return the answer of a model that knows what it was told."""
        user = {"role": "user", "content": prompt}
        if self._sessions is None:
            return _model([user])
        messages = self._sessions.thread(session_id).messages
        await messages.append(user)  # before the model: an error does not lose it
        text = _model(await messages.list())
        await messages.append({"role": "assistant", "content": text})
        return text


def _model(messages: list[Any]) -> str:
    told = [m["content"] for m in messages if m["content"].startswith("My favorite color is ")]
    if messages[-1]["content"].endswith("?"):
        color = told[-1].removeprefix("My favorite color is ").rstrip(".") if told else "unknown"
        return f"Your favorite color is {color}."
    return "Noted."


async def remembers(sessions: AsyncStore) -> None:
    """Run the page's quick start."""
    my_agent = Agent(session_store=sessions)
    await my_agent.run("My favorite color is blue.", session_id="user-alice")
    r = await my_agent.run("What is my favorite color?", session_id="user-alice")
    assert r == "Your favorite color is blue."
    other = await my_agent.run("What is my favorite color?", session_id="user-bob")
    assert other == "Your favorite color is unknown."


async def test_in_memory_session_store() -> None:
    async with AsyncStore("memory://") as sessions:
        await remembers(sessions)


async def test_sqlite_survives_a_restart(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`createSqliteSessionStore('./data/sessions.db')`, also what Bun has a function of its own for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    async with AsyncStore("sqlite:///./data/sessions.db") as sessions:
        await remembers(sessions)
    async with AsyncStore("sqlite:///./data/sessions.db") as sessions:
        again = await Agent(sessions).run("What is my favorite color?", session_id="user-alice")
        assert again == "Your favorite color is blue."
        assert [thread.id async for thread in sessions.threads()] == ["user-alice", "user-bob"]


async def test_no_session_store() -> None:
    """`sessionStore: false`."""
    my_agent = Agent(session_store=None)
    await my_agent.run("My favorite color is blue.", session_id="user-alice")
    r = await my_agent.run("What is my favorite color?", session_id="user-alice")
    assert r == "Your favorite color is unknown."


class Db:
    """What the page calls `db`: `query(sql, params)` returns rows."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def query(self, sql: str, params: Sequence[object] = ()) -> list[asyncpg.Record]:
        return await self._pool.fetch(sql, *params)


class PostgresSessionDriver:
    """The page's driver, statement by statement."""

    def __init__(self, db: Db) -> None:
        self.db = db

    async def get(self, session_id: str) -> Any:
        row = await self.db.query("SELECT * FROM sessions WHERE id = $1", [session_id])
        return row or None

    async def set(self, row: Document) -> None:
        await self.db.query(
            """INSERT INTO sessions (id, data, updated_at)
               VALUES ($1, $2, NOW())
               ON CONFLICT (id) DO UPDATE SET data = $2, updated_at = NOW()""",
            [row.id, json.dumps(row.data)],
        )

    async def delete(self, session_id: str) -> None:
        await self.db.query("DELETE FROM sessions WHERE id = $1", [session_id])

    async def list(self) -> list[str]:
        rows = await self.db.query("SELECT id FROM sessions")
        return [r["id"] for r in rows]


@pytest.fixture(scope="module")
def postgres() -> Any:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["json", "jsonb", "text"])
async def db(postgres: PostgresServer, request: pytest.FixtureRequest) -> AsyncIterator[Db]:
    """The page's table, with each type that its `data` may have."""
    async with asyncpg.create_pool(postgres.url, min_size=1, max_size=4) as pool:
        await pool.execute("DROP TABLE IF EXISTS sessions")
        await pool.execute(
            f"CREATE TABLE sessions (id text PRIMARY KEY, data {request.param}, updated_at timestamptz)"
        )
        yield Db(pool)


async def test_the_postgresql_driver(db: Db) -> None:
    async with AsyncStore.from_client(PostgresSessionDriver(db)) as sessions:
        await remembers(sessions)
        thread = sessions.thread("user-alice")
        await thread.state.update({"intent": "book_flight", "photo": b"\x00\xff", "nul": "\x00"})
        await thread.snapshots.save({"version": "1.0", "tick": 3})
    async with AsyncStore.from_client(PostgresSessionDriver(db)) as sessions:
        thread = sessions.thread("user-alice")
        assert await thread.state.get_all() == {
            "intent": "book_flight",
            "nul": "\x00",
            "photo": b"\x00\xff",
        }
        assert await thread.snapshots.load() == {"version": "1.0", "tick": 3}
        assert await thread.messages.count() == 4
        assert {t.id async for t in sessions.threads()} == {"user-alice", "user-bob"}
        assert not (await sessions.capabilities()).processes  # four methods cannot guard a write
        await thread.destroy()
        assert [t.id async for t in sessions.threads()] == ["user-bob"]


class MyDbDriver:
    """A driver in the form that the page's code asks for: `query`, `run`, `exec`."""

    style = "$1"

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def query(self, sql: str, params: Sequence[object]) -> list[asyncpg.Record]:
        return await self._pool.fetch(sql, *params)

    async def run(self, sql: str, params: Sequence[object]) -> None:
        await self._pool.execute(sql, *params)

    async def exec(self, sql: str) -> None:
        await self._pool.execute(sql)


async def test_any_sql_database(postgres: PostgresServer) -> None:
    """`new SqlSessionStore({ driver: myDbDriver, tableName: 'agent_sessions' })`."""
    async with asyncpg.create_pool(postgres.url, min_size=1, max_size=4) as pool:
        my_db_driver = MyDbDriver(pool)
        documents = AsyncQueryDocuments(my_db_driver, table="agent_sessions")
        async with AsyncStore.from_client(documents) as sessions:
            await remembers(sessions)
            assert (await sessions.capabilities()).processes
        assert await pool.fetchval("SELECT count(*) FROM agent_sessions") == 3


async def test_redis(redis7_url: str) -> None:
    """Sessions and model answers that all instances share; a session in use does not expire."""
    client = redis.Redis.from_url(redis7_url)
    sessions = AsyncStore.from_client(client, namespace="seed-001", thread_ttl=86_400)
    async with sessions:
        await remembers(sessions)
        info = await sessions.thread("user-alice").info()
        assert info is not None
        assert info.expires_at is not None
        for thread in ("user-alice", "user-bob"):
            await sessions.thread(thread).destroy()
    await client.aclose()


async def test_an_adapter() -> None:
    """`sessionStoreAdapter: new InMemorySessionStoreAdapter()`: any engine can be plugged in."""
    rows: dict[str, Document] = {}

    class InMemorySessionStoreAdapter:
        get, delete = staticmethod(rows.get), staticmethod(lambda id: rows.pop(id, None))

        def set(self, row: Document) -> None:
            rows[row.id] = row

        def list(self) -> list[str]:
            return [*rows]

    async with AsyncStore.from_client(InMemorySessionStoreAdapter()) as sessions:
        await remembers(sessions)
