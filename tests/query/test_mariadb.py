"""Query drivers and an engine of SQLAlchemy on MariaDB: documents, whatever its defaults are."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncmy
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from tests.query.use import use, use_with_threads
from tests.servers.mariadb import MariadbServer
from threadkeep import AsyncStore, Store
from threadkeep.engines.query import AsyncQueryDriver, QueryDriver


def test_asyncmy(mariadb: MariadbServer, schema: str):
    async def run() -> None:
        driver = AsyncQueryDriver(
            lambda: asyncmy.connect(host="127.0.0.1", port=mariadb.port, user="root", db=schema)
        )
        async with AsyncStore.from_client(driver) as store:
            await use(store)
            for name in ("a", "A", "é", "e"):
                await store.thread(name).state.set("name", name)
            for name in ("a", "A", "é", "e"):
                assert await store.thread(name).state.get("name") == name
        await driver.aclose()

    asyncio.run(run())


def test_pymysql_keeps_what_a_text_of_mysql_does_not_hold(mariadb: MariadbServer, schema: str):
    driver = QueryDriver(lambda: mariadb.connect(schema, autocommit=False))
    with Store.from_client(driver) as store:
        use_with_threads(store)
        store.thread("long").messages.append("x" * 100_000)
        assert store.thread("long").messages.list() == ["x" * 100_000]
    driver.close()


def test_stores_on_connections_of_their_own_lose_nothing(mariadb: MariadbServer, schema: str):
    drivers = [QueryDriver(lambda: mariadb.connect(schema)) for _ in range(4)]

    def work(driver: QueryDriver) -> None:
        with Store.from_client(driver) as store:
            for n in range(15):
                store.thread("t").state.increment("n")
                store.thread("t").messages.append(n)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, drivers))
    with Store.from_client(drivers[0]) as store:
        assert store.thread("t").state.get("n") == 60
        assert store.thread("t").messages.count() == 60
    for driver in drivers:
        driver.close()


def test_sqlalchemy(mariadb: MariadbServer, schema: str):
    place = f"root@127.0.0.1:{mariadb.port}/{schema}"

    async def run() -> None:
        engine = create_async_engine(f"mysql+asyncmy://{place}")
        async with AsyncStore.from_client(engine) as store:
            await use(store)
            await store.thread("kept").state.set("a", 1)
        await engine.dispose()

    asyncio.run(run())
    engine = sqlalchemy.create_engine(f"mariadb+pymysql://{place}")
    with Store.from_client(engine) as store:
        use_with_threads(store)
        assert store.thread("kept").state.get("a") == 1
    engine.dispose()
