"""Query drivers over connections of every parameter style, on real databases."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite
import asyncpg
import psycopg
import pytest

from tests.query.use import use, use_with_threads
from threadkeep import AsyncStore, SchemaMismatch, Store, Unavailable, UsageError
from threadkeep.engines.document import DocumentEngine
from threadkeep.engines.query import (
    AsyncQueryDriver,
    QueryDocuments,
    QueryDriver,
)


def run_on(driver: AsyncQueryDriver) -> None:
    async def run() -> None:
        async with AsyncStore.from_client(driver) as store:
            assert (await store.capabilities()).processes
            await use(store)
        await driver.aclose()

    asyncio.run(run())


def test_asyncpg(database: str):
    run_on(AsyncQueryDriver(lambda: asyncpg.connect(f"postgresql://{database}")))


def test_a_pool_of_asyncpg(database: str):
    async def run() -> None:
        pool = await asyncpg.create_pool(f"postgresql://{database}", min_size=1, max_size=4)
        async with AsyncStore.from_client(pool) as store:
            await use(store)
        await pool.close()

    asyncio.run(run())


def test_psycopg_with_tasks(database: str):
    run_on(AsyncQueryDriver(lambda: psycopg.AsyncConnection.connect(f"postgresql://{database}")))


def test_aiosqlite(tmp_path: Path):
    run_on(AsyncQueryDriver(lambda: aiosqlite.connect(tmp_path / "t.db")))


def test_psycopg_with_threads(database: str):
    with psycopg.connect(f"postgresql://{database}") as con, Store.from_client(con) as store:
        use_with_threads(store)
        with Store(engine=DocumentEngine(QueryDocuments(QueryDriver(con), "public.mine"))) as other:
            assert other.thread("t").state.get("n") is None


def test_sqlite3_with_tasks():
    """A connection that waits does so in a thread, not on the loop."""

    async def run() -> None:
        con = sqlite3.connect(":memory:", check_same_thread=False)
        async with AsyncStore.from_client(con) as store:
            await use(store)
        con.close()

    asyncio.run(run())


def test_a_connection_for_one_thread_alone_is_refused():
    async def run(con: sqlite3.Connection) -> None:
        async with AsyncStore.from_client(con):
            pass

    con = sqlite3.connect(":memory:")
    with pytest.raises(UsageError, match="check_same_thread=False"):
        asyncio.run(run(con))
    con.close()


class Own:
    """A query driver as a program would write it, whose `run` does not say how many rows it concerned."""

    style = "$1"

    def __init__(self, url: str) -> None:
        self.url = url
        self.con: asyncpg.Connection | None = None

    async def _connection(self) -> asyncpg.Connection:
        self.con = self.con or await asyncpg.connect(self.url)
        return self.con

    async def query(self, sql: str, params: Sequence[Any]) -> list[asyncpg.Record]:
        return await (await self._connection()).fetch(sql, *params)

    async def run(self, sql: str, params: Sequence[Any]) -> None:
        await (await self._connection()).execute(sql, *params)

    async def exec(self, sql: str) -> None:
        await (await self._connection()).execute(sql)


def test_a_driver_of_ones_own(database: str):
    async def run() -> None:
        driver = Own(f"postgresql://{database}")
        async with AsyncStore.from_client(driver) as store:
            await use(store)
        assert driver.con is not None  # it stays its owner's
        assert await driver.con.fetchval("SELECT count(*) > 0 FROM threadkeep_documents")
        await driver.con.close()

    asyncio.run(run())


def test_a_connection_that_is_lost_is_made_anew(database: str):
    async def run() -> None:
        driver = AsyncQueryDriver(lambda: asyncpg.connect(f"postgresql://{database}"))
        async with AsyncStore.from_client(driver) as store:
            await store.thread("t").state.set("a", 1)
            async with await psycopg.AsyncConnection.connect(
                f"postgresql://{database}", autocommit=True
            ) as con:
                await con.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where pid <> pg_backend_pid() and datname = current_database()"
                )
            with pytest.raises(Unavailable) as caught:
                await store.thread("t").state.set("a", 2)
            assert not caught.value.maybe_applied  # it failed where it reads
            await store.thread("t").state.set("a", 3)
            assert await store.thread("t").state.get("a") == 3
        await driver.aclose()

    asyncio.run(run())


def test_a_cancelled_call_leaves_no_answer_behind(database: str):
    async def run() -> None:
        driver = AsyncQueryDriver(lambda: asyncpg.connect(f"postgresql://{database}"))
        async with AsyncStore.from_client(driver) as store:
            thread = store.thread("t")
            done = 0
            for n in range(30):
                task = asyncio.create_task(thread.state.increment("n"))
                await asyncio.sleep(0.0002 * n)
                task.cancel()
                done += not isinstance(
                    (await asyncio.gather(task, return_exceptions=True))[0], BaseException
                )
                await thread.state.set("last", n)
                assert await thread.state.get("last") == n
            assert done <= await thread.state.get("n", default=0) <= 30
        await driver.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("table", ["t; drop table x", 'a"b', "", "1a", "a.b.c", "ä", "x" * 64])
def test_a_table_has_a_plain_name(table: str):
    with pytest.raises(UsageError, match="table"):
        QueryDocuments(QueryDriver(sqlite3.connect), table)


def test_what_fits_no_driver_is_refused():
    with sqlite3.connect(":memory:") as con:
        with pytest.raises(UsageError, match="style"):
            QueryDriver(con, style=":1")
        with pytest.raises(UsageError, match="QueryDriver"):
            AsyncQueryDriver(con)
    con.close()
    with pytest.raises(UsageError, match=r"query\(\), run\(\)"):
        QueryDocuments(object())
    with pytest.raises(UsageError, match="unknown"):
        AsyncStore.from_client(object())
    with pytest.raises(UsageError, match="awaited"):
        Store.from_client(Own(""))


def test_a_table_of_another_shape_is_said(tmp_path: Path):
    con = sqlite3.connect(tmp_path / "t.db")
    con.execute("create table threadkeep_documents (id integer)")
    with pytest.raises(SchemaMismatch, match="threadkeep_documents"):
        Store.from_client(con).thread("t").state.set("a", 1)
    con.close()
