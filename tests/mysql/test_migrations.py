"""The schema comes to be once, whole, and only in a form that this release knows."""

from __future__ import annotations

import threading

import pymysql
import pytest

from tests.mysql.engine import sync_engine
from tests.servers.mariadb import MariadbServer
from tests.servers.proxy import Proxy
from threadkeep import SchemaMismatch, Unavailable
from threadkeep.engines.sql.migrate import known
from threadkeep.engines.sql.mysql.settings import PACKAGE, check_server, durability
from threadkeep.errors import UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Set
from threadkeep.ops.reply import Fields

BATCH = Batch(Ref("default", "thread", "t"), (Set("state", {"a": b"j1"}),))


def _database(url: str) -> str:
    return url.rpartition("/")[2]


def _setup(url: str) -> None:
    engine = sync_engine(url)
    try:
        engine.setup()
        engine.run(BATCH)
    finally:
        engine.close()


def test_many_at_once(mariadb: MariadbServer, bare: str):
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
    rows = mariadb.execute(
        "select number from tk_migration order by number", database=_database(bare)
    )
    assert [number for (number,) in rows] == [m.number for m in known(PACKAGE)]


@pytest.mark.parametrize("size", [1_500, 2_500, 5_500, 8_000])
def test_one_that_is_cut_off_is_begun_again(size: int, mariadb: MariadbServer, bare: str):
    with Proxy(mariadb.port) as proxy:
        proxy.cut_after("up", size)
        with pytest.raises(Unavailable):
            _setup(bare.replace(f":{mariadb.port}/", f":{proxy.port}/"))
    _setup(bare)


def test_the_server_is_killed_in_the_middle():
    # from statement to statement the network takes longer than a look at what stands
    with MariadbServer() as server, Proxy(server.port, delay=0.02) as far:
        for round_, table in enumerate(("tk_entity", "tk_label")):
            name = f"store_{round_}"
            server.execute(f"create database {name}")
            url = server.url_of(name)
            failed: list[BaseException] = []

            def migrate(url: str = url, failed: list[BaseException] = failed) -> None:
                try:
                    _setup(f"{url.replace(str(server.port), str(far.port))}?wait=5")
                except Unavailable as error:
                    failed.append(error)

            thread = threading.Thread(target=migrate)
            thread.start()
            where = "table_schema = %s and table_name = %s"
            seen = f"select 1 from information_schema.tables where {where}"
            while thread.is_alive() and not server.execute(seen, name, table):
                pass
            server.kill()
            thread.join()
            assert (
                failed or table != "tk_entity"
            )  # the later one may have been the last but for a moment
            server.start()
            _setup(url)
            rows = server.execute("select number from tk_migration order by number", database=name)
            assert [number for (number,) in rows] == [m.number for m in known(PACKAGE)]


def test_one_that_has_defined_and_not_noted_it_is_begun_again(mariadb: MariadbServer, bare: str):
    _setup(bare)
    mariadb.execute("delete from tk_migration", database=_database(bare))
    engine = sync_engine(bare)
    engine.setup()
    found = engine.run(Batch(BATCH.ref, (Get("state"),))).results[0]
    assert isinstance(found, Fields)
    assert found.fields["a"].value == b"j1"
    engine.close()


def test_a_newer_schema_is_refused_and_not_touched(mariadb: MariadbServer, bare: str):
    _setup(bare)
    mariadb.execute(
        "insert into tk_migration (number, name, checksum) values (9999, 'new', 'x')",
        database=_database(bare),
    )
    with pytest.raises(SchemaMismatch, match="upgrade threadkeep"):
        _setup(bare)


def test_a_changed_migration_is_refused(mariadb: MariadbServer, bare: str):
    _setup(bare)
    mariadb.execute(
        "update tk_migration set checksum = 'x' where number = 1", database=_database(bare)
    )
    with pytest.raises(SchemaMismatch, match="another form"):
        _setup(bare)


def test_a_user_of_the_tables_needs_no_right_to_make_them(mariadb: MariadbServer, bare: str):
    _setup(bare)
    mariadb.execute("create or replace user agent@'127.0.0.1'")
    mariadb.execute(
        f"grant select, insert, update, delete on {_database(bare)}.* to agent@'127.0.0.1'"
    )
    engine = sync_engine(bare.replace("root@", "agent@"))
    engine.setup()
    assert engine.run(BATCH).ok
    engine.close()
    with mariadb.connect() as con, con.cursor() as cursor:
        cursor.execute("drop user agent@'127.0.0.1'")
        with pytest.raises(pymysql.err.OperationalError):
            cursor.execute("drop user agent@'127.0.0.1'")


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("10.6.0-MariaDB", True),
        ("10.5.29-MariaDB-log", False),
        ("11.4.2-MariaDB-ubu2404", True),
        ("8.0.19", True),
        ("8.0.18-log", False),
        ("8.4.0", True),
        ("9.1.0-commercial", True),
    ],
)
def test_which_servers_fit(version: str, fits: bool):
    row = (version, 1 << 26, 1, 1, "MIXED", 2_000_000)
    if not fits:
        with pytest.raises(SchemaMismatch, match="too old"):
            check_server(row, 1.0, 1 << 20)
        return
    server = check_server(row, 1.0, 1 << 20)
    assert (server.mariadb, server.durability, server.skew) == ("Maria" in version, "power-loss", 1)
    with pytest.raises(UsageError, match="binlog_format"):
        check_server((version, 1 << 26, 1, 1, "STATEMENT", 0), 1.0, 1 << 20)


def test_what_survives():
    assert [durability(n) for n in range(3)] == ["seconds(1)", "power-loss", "process"]
