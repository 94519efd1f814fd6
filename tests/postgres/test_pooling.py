"""Behind PgBouncer in transaction mode, and on a pool that the program brought along."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import psycopg_pool
import pytest
from psycopg.rows import dict_row

from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer
from threadkeep import AsyncStore, Store, UsageError
from threadkeep.model.refs import Ref

REF = Ref("default", "thread", "t")


@pytest.fixture(scope="module")
def bouncer(postgres: PostgresServer) -> Iterator[PgBouncer]:
    with PgBouncer(postgres) as pooler:
        yield pooler


@pytest.fixture
def pooled(bouncer: PgBouncer, place: str) -> str:
    return f"{bouncer.url}?{place.partition('?')[2]}"


def test_many_calls_through_few_connections(pooled: str):
    async def run() -> list[object]:
        async with AsyncStore(pooled) as one, AsyncStore(pooled) as two:

            async def work(n: int) -> object:
                thread = (one, two)[n % 2].thread(f"t{n % 10}")
                await thread.state.increment("n")
                await thread.messages.append({"role": "user", "content": "x"})
                return await thread.state.get("n")

            await asyncio.gather(*(work(n) for n in range(200)))
            return [await one.thread(f"t{n}").state.get("n") for n in range(10)]

    assert asyncio.run(run()) == [20] * 10


def test_threads_through_few_connections(pooled: str):
    with Store(pooled) as store:
        for _ in range(20):  # more often than psycopg needs to prepare a statement
            store.thread("t").state.increment("n")
            store.thread("t").state.get_all()
        assert store.thread("t").state.get("n") == 20


def test_changes_are_seen_by_asking(pooled: str, place: str):
    async def run() -> int:
        async with AsyncStore(pooled) as behind, AsyncStore(place) as direct:
            engine = await behind.ready()
            async with contextlib.aclosing(engine.watch(REF)) as seen:  # pyright: ignore[reportArgumentType] - it is a generator
                assert await anext(seen) == 0
                await direct.thread("t").state.set("a", 1)
                return await asyncio.wait_for(anext(seen), 30)

    assert asyncio.run(run()) == 1


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_pool_of_the_program(autocommit: bool, postgres: PostgresServer, place: str):
    async def run() -> None:
        options = {"autocommit": autocommit, "row_factory": dict_row}
        options["options"] = "-c search_path=furnished"
        pool = psycopg_pool.AsyncConnectionPool(
            postgres.url, kwargs=options, min_size=1, max_size=3, open=False
        )
        async with pool:
            async with AsyncStore.from_client(pool) as store:
                thread = store.thread("t")
                await asyncio.gather(*(thread.state.increment("n") for _ in range(20)))
                assert await thread.state.get("n") == 20
                engine = await store.ready()
                async with contextlib.aclosing(engine.watch(REF)) as seen:  # pyright: ignore[reportArgumentType] - it is a generator
                    assert await anext(seen) == 20
                    await thread.state.increment("n")
                    assert await asyncio.wait_for(anext(seen), 30) == 21
            async with pool.connection() as con:  # it is still open, and as it was
                assert con.autocommit is autocommit
                found = await (await con.execute("select count(*) as n from tk_entity")).fetchone()
                assert found == {"n": 1}
                listening = await con.execute("select pg_listening_channels()")
                assert await listening.fetchall() == []

    asyncio.run(run())


def test_a_pool_of_the_program_for_threads(postgres: PostgresServer, place: str):
    options = {"options": "-c search_path=furnished"}
    with psycopg_pool.ConnectionPool(postgres.url, kwargs=options, min_size=1, max_size=3) as pool:
        with Store.from_client(pool) as store:
            store.thread("t").state.set("a", 1)
            assert store.thread("t").state.get("a") == 1
        with pool.connection() as con:
            assert con.execute("select 1").fetchone() == (1,)
        with pytest.raises(UsageError, match="AsyncConnectionPool"):
            AsyncStore.from_client(pool)
