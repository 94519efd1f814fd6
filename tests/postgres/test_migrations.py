"""The schema comes to be once, whole, and only in a form that this release knows."""

from __future__ import annotations

import threading

import pytest

from tests.postgres.engine import sync_engine
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from threadkeep import SchemaMismatch, Unavailable
from threadkeep.engines.sql.migrate import known
from threadkeep.engines.sql.postgres.connections import PACKAGE
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Set
from threadkeep.ops.reply import Fields

BATCH = Batch(Ref("default", "thread", "t"), (Set("state", {"a": b"j1"}),))


def _schema(url: str) -> str:
    return url.partition("schema=")[2]


def _setup(url: str) -> None:
    engine = sync_engine(url)
    try:
        engine.setup()
        engine.run(BATCH)
    finally:
        engine.close()


def test_many_at_once(postgres: PostgresServer, bare: str):
    errors: list[BaseException] = []

    def one() -> None:
        try:
            _setup(bare)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    rows = postgres.execute(f"select number from {_schema(bare)}.tk_migration order by number")
    assert [number for (number,) in rows] == [m.number for m in known(PACKAGE)]


@pytest.mark.parametrize("size", [3_000, 20_000, 45_000])
def test_one_that_is_cut_off_leaves_nothing(size: int, postgres: PostgresServer, bare: str):
    with Proxy(postgres.port) as proxy:
        proxy.cut_after("up", size)
        with pytest.raises(Unavailable):
            _setup(bare.replace(f":{postgres.port}/", f":{proxy.port}/"))
    left = "select count(*) from pg_tables where schemaname = %s"
    assert postgres.execute(left, _schema(bare)) == [(0,)]
    _setup(bare)


def test_a_newer_schema_is_refused_and_not_touched(postgres: PostgresServer, bare: str):
    _setup(bare)
    postgres.execute(
        f"insert into {_schema(bare)}.tk_migration (number, name, checksum) values (9999, 'new', 'x')"
    )
    with pytest.raises(SchemaMismatch, match="upgrade threadkeep"):
        _setup(bare)


def test_a_changed_migration_is_refused(postgres: PostgresServer, bare: str):
    _setup(bare)
    postgres.execute(f"update {_schema(bare)}.tk_migration set checksum = 'x' where number = 1")
    with pytest.raises(SchemaMismatch, match="another form"):
        _setup(bare)


def test_a_user_of_the_tables_needs_no_right_to_make_them(postgres: PostgresServer, bare: str):
    _setup(bare)
    schema = _schema(bare)
    postgres.execute("drop role if exists agent")
    postgres.execute(f"""
        create role agent login;
        grant usage on schema {schema} to agent;
        grant select, insert, update, delete on all tables in schema {schema} to agent;
    """)
    engine = sync_engine(bare.replace("postgres@", "agent@"))
    engine.setup()
    found = engine.run(Batch(BATCH.ref, (Get("state"),))).results[0]
    assert isinstance(found, Fields)
    assert found.fields["a"].value == b"j1"
    assert engine.run(BATCH).ok
    engine.close()
    postgres.execute("drop owned by agent; drop role agent")
