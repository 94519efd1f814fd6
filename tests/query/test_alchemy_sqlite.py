"""An engine of SQLAlchemy on SQLite: a file carries the engine for SQLite, a database in memory documents."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from threadkeep import AsyncStore, Store, UsageError


def test_a_file_is_shared_with_the_programs_tables(tmp_path: Path):
    path = tmp_path / "app.db"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.begin() as con:
        con.execute(sqlalchemy.text("create table orders (id integer primary key, what text)"))
        con.execute(sqlalchemy.text("insert into orders (what) values ('flight')"))
    with Store.from_client(engine) as store:
        store.thread("t").state.set("a", 1)
        assert store.capabilities().name == "sqlite"
    with engine.connect() as con:
        assert con.execute(sqlalchemy.text("select what from orders")).scalar() == "flight"

    async def run() -> object:
        tasks = create_async_engine(f"sqlite+aiosqlite:///{path}")
        async with AsyncStore.from_client(tasks) as store:
            found = await store.thread("t").state.get("a")
        await tasks.dispose()
        return found

    assert asyncio.run(run()) == 1
    engine.dispose()


def test_a_database_in_memory_is_used_through_its_one_connection():
    engine = sqlalchemy.create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    with Store.from_client(engine) as store:
        store.thread("t").state.set("a", 1)
        assert (store.thread("t").state.get("a"), store.capabilities().name) == (1, "document")
    with engine.connect() as con:
        found = con.execute(sqlalchemy.text("select name from threadkeep_documents")).scalars()
        assert set(found) == {"default:thread", "default:thread:t"}
    engine.dispose()


def test_a_database_for_each_connection_is_refused():
    with pytest.raises(UsageError, match="StaticPool"):
        Store.from_client(sqlalchemy.create_engine("sqlite://"))
