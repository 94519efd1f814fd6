"""An engine of SQLAlchemy on PostgreSQL: with psycopg it carries the engine for PostgreSQL, else documents."""

from __future__ import annotations

import asyncio
import contextlib

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from tests.query.use import use
from threadkeep import AsyncStore, Store, Timeout, Unavailable, UsageError
from threadkeep.model.refs import Ref


@pytest.mark.parametrize(("driver", "name"), [("psycopg", "postgresql"), ("asyncpg", "document")])
def test_tasks(driver: str, name: str, database: str):
    async def run() -> None:
        engine = create_async_engine(f"postgresql+{driver}://{database}")
        async with AsyncStore.from_client(engine) as store:
            await use(store)
            assert (await store.capabilities()).name == name
        async with engine.begin() as con:  # it stays its owner's, as it was
            assert (await con.execute(sqlalchemy.text("select 1"))).scalar() == 1
        assert engine.pool.checkedout() == 0  # pyright: ignore[reportAttributeAccessIssue] - it is a QueuePool
        await engine.dispose()

    asyncio.run(run())


def test_threads_share_what_tasks_wrote(database: str):
    async def run() -> None:
        engine = create_async_engine(f"postgresql+psycopg://{database}")
        async with AsyncStore.from_client(engine) as store:
            await store.thread("t").state.set("a", 1)
        await engine.dispose()

    asyncio.run(run())
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://{database}")
    with Store.from_client(engine) as store:
        assert store.thread("t").state.get("a") == 1
        store.thread("t").state.set("a", 2)
    with Store(f"postgresql://{database}") as store:  # and what a URL leads to
        assert store.thread("t").state.get("a") == 2
    engine.dispose()


def test_changes_by_others_are_seen(database: str):
    async def run() -> int:
        engine = create_async_engine(f"postgresql+psycopg://{database}")
        other = AsyncStore(f"postgresql://{database}")
        async with AsyncStore.from_client(engine) as store, other:
            seen = (await store.ready()).watch(Ref("default", "thread", "t"))
            async with contextlib.aclosing(seen), asyncio.timeout(30):  # pyright: ignore[reportArgumentType] - a generator
                assert await anext(seen) == 0
                await other.thread("t").state.set("a", 1)
                found = await anext(seen)
        await engine.dispose()
        return found

    assert asyncio.run(run()) == 1


def test_connections_that_the_server_closed_are_replaced(database: str):
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://{database}")
    with Store.from_client(engine) as store:
        store.thread("t").state.set("a", 1)
        with psycopg.connect(f"postgresql://{database}", autocommit=True) as con:
            con.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where pid <> pg_backend_pid() and datname = current_database()"
            )
        assert store.thread("t").state.get("a") == 1
    engine.dispose()


def test_a_pool_without_a_free_connection_is_said(database: str):
    engine = sqlalchemy.create_engine(
        f"postgresql+psycopg://{database}", pool_size=1, max_overflow=0, pool_timeout=0.2
    )
    with Store.from_client(engine) as store:
        store.thread("t").state.set("a", 1)
        with engine.connect(), pytest.raises(Timeout):
            store.thread("t").state.get("a")
        assert store.thread("t").state.get("a") == 1
    engine.dispose()


def test_a_server_that_is_away_is_said():
    engine = sqlalchemy.create_engine("postgresql+psycopg://postgres@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        Store.from_client(engine).thread("t").state.get("a")
    engine.dispose()


def test_an_engine_of_the_other_kind_is_refused(database: str):
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://{database}")
    with pytest.raises(UsageError, match="create_async_engine"):
        AsyncStore.from_client(engine)
    with pytest.raises(UsageError, match="create_engine"):
        Store.from_client(create_async_engine(f"postgresql+psycopg://{database}"))
    with engine.connect() as con, pytest.raises(UsageError, match="Connection"):
        Store.from_client(con)
    engine.dispose()
