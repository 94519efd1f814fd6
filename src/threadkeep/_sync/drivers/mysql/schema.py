# Generated from src/threadkeep/_async/drivers/mysql/schema.py by scripts/unasync. Do not edit.
"""The schema: what the server is, what is applied, what is to be done."""

from __future__ import annotations

import time
from collections.abc import Callable

from threadkeep.engines.sql.migrate import Migration, Schema, known, not_allowed
from threadkeep.engines.sql.mysql import ledger
from threadkeep.engines.sql.mysql.errors import NO_TABLE, Failed, map_error
from threadkeep.engines.sql.mysql.links import Link
from threadkeep.engines.sql.mysql.settings import LOOK, PACKAGE, Server, check_server
from threadkeep.errors import Forbidden, Timeout
from threadkeep.model.options import Limits


def examine(link: Link, limits: Limits) -> Server:
    """Return what the server is. Raises UsageError or SchemaMismatch."""
    before = time.time()
    ((row,),) = link.ask(LOOK)
    return check_server(row, (before + time.time()) / 2, limits.value)


def look(link: Link) -> Schema:
    """Return what is applied, changing nothing."""
    try:
        (rows,) = link.ask(ledger.APPLIED.encode())
    except Failed as error:
        if error.code == NO_TABLE:
            return Schema(known(PACKAGE), {})
        raise
    return Schema(known(PACKAGE), dict(rows))


def migrate(link: Link, choose: Callable[[Schema], tuple[Migration, ...]]) -> Schema:
    """Apply what is chosen. Raises SchemaMismatch, Forbidden or Timeout.

    Of several processes one does it while the others wait. The server commits each statement that defines something
    by itself; a file that was cut off is begun again.
    """
    schema = look(link)
    schema.check()
    if not choose(schema):
        return schema
    ((found,),) = (link.ask(ledger.LOCK.encode()))[0]
    if found != 1:
        raise Timeout(f"another process has been migrating the schema for {ledger.WAIT} seconds")
    try:
        return _apply(link, choose)
    except Failed as error:
        if isinstance(map_error(error, wrote=False), Forbidden):
            raise not_allowed(str(error)) from error
        raise
    finally:
        link.ask(ledger.FREE.encode())


def _apply(link: Link, choose: Callable[[Schema], tuple[Migration, ...]]) -> Schema:
    link.ask(ledger.LEDGER.encode())
    schema = look(link)  # another process may have been quicker
    schema.check()
    done = choose(schema)
    for migration in done:
        link.ask(ledger.body(migration).encode())
        link.ask(ledger.record(migration).encode())
    return schema.after(done)
