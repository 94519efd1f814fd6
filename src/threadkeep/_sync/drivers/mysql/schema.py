# Generated from src/threadkeep/_async/drivers/mysql/schema.py by scripts/unasync. Do not edit.
"""The schema: what the server is, what is applied, what is to be done."""

from __future__ import annotations

import time

from threadkeep.engines.sql.migrate import known, pending
from threadkeep.engines.sql.mysql.errors import NO_TABLE, Failed
from threadkeep.engines.sql.mysql.links import Link
from threadkeep.engines.sql.mysql.settings import LOOK, PACKAGE, Server, check_server
from threadkeep.errors import Timeout
from threadkeep.model.options import Limits

LOCK = "concat('threadkeep ', left(sha1(database()), 40))"
WAIT = 60  # seconds for another process that migrates
LEDGER = """
create table if not exists tk_migration (
    number int not null primary key, name varchar(100) not null, checksum char(32) not null,
    applied_at timestamp not null default current_timestamp
) engine = InnoDB default charset = utf8mb4
"""


def examine(link: Link, limits: Limits) -> Server:
    """Return what the server is. Raises UsageError or SchemaMismatch."""
    before = time.time()
    ((row,),) = link.ask(LOOK)
    return check_server(row, (before + time.time()) / 2, limits.value)


def migrate(link: Link) -> int:
    """Apply what is missing and return the number of the schema. Raises SchemaMismatch.

    The server commits each statement that defines something by itself; one that was cut off is begun again.
    """
    migrations = known(PACKAGE)
    if not pending(migrations, _applied(link)):
        return migrations[-1].number
    ((found,),) = (link.ask(f"select get_lock({LOCK}, {WAIT})"))[0]
    if found != 1:
        raise Timeout(f"another process has been migrating the schema for {WAIT} seconds")
    try:
        link.ask(LEDGER)
        for migration in pending(migrations, _applied(link)):
            link.ask(migration.sql.rstrip().rstrip(";").replace("%", "%%"))
            link.ask(
                "insert into tk_migration (number, name, checksum) values (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
    finally:
        link.ask(f"do release_lock({LOCK})")
    return migrations[-1].number


def _applied(link: Link) -> dict[int, str]:
    try:
        (rows,) = link.ask("select number, checksum from tk_migration")
    except Failed as error:
        if error.code == NO_TABLE:
            return {}
        raise
    return dict(rows)
