"""The schema: what the server is, what is applied, what is to be done."""

from __future__ import annotations

import time
from typing import Any, LiteralString, cast

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from threadkeep.engines.sql.migrate import known, pending
from threadkeep.engines.sql.postgres.connections import PACKAGE, Server, check_server, durability
from threadkeep.engines.sql.postgres.names import Names

# what a lock waits for is another process that migrates
APPLIED = "select number, checksum from {migration}"
CREATE_LEDGER = """
create table if not exists {migration} (
    number int primary key, name text not null, checksum text not null,
    applied_at timestamptz not null default now())
"""


async def examine(con: AsyncConnection[Any], names: Names) -> tuple[Server, Names]:
    """Return what the server is and the names with the schema that they are in. Raises UsageError or SchemaMismatch."""
    cursor = con.cursor(row_factory=tuple_row)
    before = time.time()
    await cursor.execute(
        "select current_setting('server_version_num')::int, current_setting('server_version'),"
        " getdatabaseencoding(), current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('wal_writer_delay'), extract(epoch from clock_timestamp())::float8,"
        " coalesce(%s::text, current_schema())",
        (names.schema,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - the statement returns one
    number, version, encoding, fsync, commit, delay, moment, schema = row
    check_server(number, encoding, schema)
    skew = moment - (before + time.time()) / 2
    server = Server(version, durability(fsync, commit, delay), round(skew, 3))
    return server, Names(schema, names.prefix)


async def migrate(con: AsyncConnection[Any], names: Names) -> int:
    """Apply what is missing, in one transaction, and return the number of the schema. Raises SchemaMismatch."""
    migrations = known(PACKAGE)
    if pending(migrations, await _applied(con, names)):
        async with con.transaction():
            await con.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", (names.lock,)
            )
            await con.execute("set local check_function_bodies = off")  # their order is free
            await con.execute(names.compose(CREATE_LEDGER))
            for migration in pending(migrations, await _applied(con, names)):
                await con.execute(names.compose(cast("LiteralString", migration.sql)))
                await con.execute(
                    names.compose(
                        "insert into {migration} (number, name, checksum) values (%s, %s, %s)"
                    ),
                    (migration.number, migration.name, migration.checksum),
                )
    return migrations[-1].number


async def _applied(con: AsyncConnection[Any], names: Names) -> dict[int, str]:
    cursor = con.cursor(row_factory=tuple_row)
    await cursor.execute(
        "select to_regclass(%s) is not null", (names.table("migration").as_string(con),)
    )
    found = await cursor.fetchone()
    if found is None or not found[0]:
        return {}
    await cursor.execute(names.compose(APPLIED))
    return dict(await cursor.fetchall())
