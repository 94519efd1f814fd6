"""The schema: what the server is, what is applied, what is to be done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from psycopg import AsyncConnection, errors
from psycopg.rows import tuple_row

from threadkeep.engines.sql.migrate import Migration, Schema, known, not_allowed
from threadkeep.engines.sql.postgres import ledger
from threadkeep.engines.sql.postgres.connections import PACKAGE, Server, check_server, durability
from threadkeep.engines.sql.postgres.names import Names

_REFUSED = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)


async def examine(con: AsyncConnection[Any], names: Names) -> tuple[Server, Names]:
    """Return what the server is and the names with the schema that they are in. Raises UsageError or SchemaMismatch."""
    cursor = con.cursor(row_factory=tuple_row)
    before = time.time()
    await cursor.execute(
        "select current_setting('server_version_num')::int, current_setting('server_version'),"
        " getdatabaseencoding(), current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('wal_writer_delay'), extract(epoch from clock_timestamp())::float8,"
        " coalesce(%s::text, current_schema()), pg_backend_pid()",
        (names.schema,),
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - the statement returns one
    number, version, encoding, fsync, commit, delay, moment, schema, pid = row
    check_server(number, encoding, schema)
    skew = moment - (before + time.time()) / 2
    direct = pid == con.info.backend_pid  # a pooler gives its own
    server = Server(version, durability(fsync, commit, delay), round(skew, 3), direct)
    return server, Names(schema, names.prefix)


async def look(con: AsyncConnection[Any], names: Names) -> Schema:
    """Return what is applied, changing nothing."""
    cursor = con.cursor(row_factory=tuple_row)
    await cursor.execute(
        "select to_regclass(%s) is not null", (names.table("migration").as_string(con),)
    )
    found = await cursor.fetchone()
    if found is None or not found[0]:
        return Schema(known(PACKAGE), {})
    await cursor.execute(names.compose(ledger.APPLIED))
    return Schema(known(PACKAGE), dict(await cursor.fetchall()))


async def migrate(
    con: AsyncConnection[Any], names: Names, choose: Callable[[Schema], tuple[Migration, ...]]
) -> Schema:
    """Apply what is chosen, in one transaction. Raises SchemaMismatch or Forbidden.

    Of several processes one does it while the others wait; one that is killed leaves nothing behind.
    """
    schema = await look(con, names)
    schema.check()
    if not choose(schema):
        return schema
    try:
        async with con.transaction():
            await con.execute(ledger.lock(names))
            await con.execute(ledger.FREE_ORDER)
            await con.execute(names.compose(ledger.LEDGER))
            schema = await look(con, names)  # another process may have been quicker
            schema.check()
            done = choose(schema)
            for migration in done:
                await con.execute(ledger.body(migration, names))
                await con.execute(ledger.record(migration, names))
    except _REFUSED as error:
        raise not_allowed((error.diag.message_primary or str(error)).strip()) from error
    return schema.after(done)
