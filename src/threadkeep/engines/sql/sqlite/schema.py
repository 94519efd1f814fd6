"""The schema of an SQLite file: what is applied, what is to be done, and doing it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from threadkeep.engines.sql.migrate import Migration, Phase, Schema, known, not_allowed
from threadkeep.engines.sql.sqlite.connect import Settings, map_error, open_connection
from threadkeep.errors import Forbidden, SchemaMismatch, Unavailable, UsageError

PACKAGE: Final = "threadkeep.engines.sql.sqlite"
_LEDGER: Final = (
    "create table if not exists tk_migration"
    " (number integer primary key, name text, checksum text, applied integer)"
)
_RECORD: Final = "insert into tk_migration (number, name, checksum, applied) values (?, ?, ?, ?)"
_REFUSED: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


Choose = Callable[[Schema], tuple[Migration, ...]]


def look(con: sqlite3.Connection) -> Schema:
    """Return what is applied, changing nothing."""
    there = con.execute("select 1 from sqlite_master where name = 'tk_migration'").fetchone()
    if there is None:
        return Schema(known(PACKAGE), {})
    return Schema(
        known(PACKAGE), dict(con.execute("select number, checksum from tk_migration").fetchall())
    )


def prepare(con: sqlite3.Connection, settings: Settings) -> int:
    """Bring the database to this release's schema, or verify it; return the schema's number.

    Safe against another process that does the same and against being killed in the middle.
    """
    if settings.mode == "ro":
        schema = look(con)
        schema.check()
        if schema.opening:
            raise SchemaMismatch(
                f"{settings.path} lacks migration {schema.opening[0].file}; run `threadkeep migrate apply`"
            )
        return schema.number
    return _apply(con, settings, lambda schema: schema.opening).number


def migrate(settings: Settings, phases: Collection[Phase]) -> Schema:
    """Apply what is missing of these phases in one transaction. Makes the file where there is none."""
    _needs_a_file(settings)
    if settings.mode == "ro":
        raise Forbidden(f"{settings.path} is opened with mode=ro")
    try:
        with closing(open_connection(settings, write=True, wait=settings.timeout)) as con:
            return _apply(con, settings, lambda schema: schema.due(phases))
    except sqlite3.Error as error:
        raise map_error(error, settings.path) from error
    except OSError as error:
        raise unsynced(settings, error) from error


def examine(settings: Settings) -> Schema:
    """Return what is applied in the file, changing nothing; where there is no file, nothing is."""
    _needs_a_file(settings)
    if not Path(settings.path).exists():
        return Schema(known(PACKAGE), {})
    ro = msgspec.structs.replace(settings, mode="ro")
    try:
        with closing(open_connection(ro, write=False, wait=settings.timeout)) as con:
            return look(con)
    except sqlite3.Error as error:
        raise map_error(error, settings.path) from error


def script(migrations: tuple[Migration, ...]) -> str:
    """Return what applies the migrations and records them, for the shell of SQLite."""
    parts = ["pragma journal_mode = wal;\nbegin immediate;", f"{_LEDGER};"]
    for m in migrations:
        record = (
            f"({m.number}, '{m.title}', '{m.checksum}', cast(strftime('%s', 'now') as integer))"
        )
        parts += [
            f"-- {m.file}\n{m.sql.strip()}",
            f"insert or ignore into tk_migration (number, name, checksum, applied) values {record};",  # noqa: S608 - of our own files
        ]
    return "\n\n".join([*parts, "commit;"])


def unsynced(settings: Settings, error: OSError) -> Unavailable:
    """Return the error for a folder whose disk does not take the file's name."""
    return Unavailable(f"the folder of {settings.path} could not be synced: {error.strerror}")


def _needs_a_file(settings: Settings) -> None:
    if settings.memory:
        raise UsageError("a database in memory has no schema that could be migrated")


def _apply(con: sqlite3.Connection, settings: Settings, choose: Choose) -> Schema:
    schema = look(con)
    schema.check()
    _patiently(settings, lambda: con.execute("pragma journal_mode = wal").fetchone())
    if not choose(schema):
        return schema
    try:
        _patiently(settings, lambda: con.execute("begin immediate"))
        schema = _apply_locked(con, choose)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSED:
            raise not_allowed(f"{settings.path} is read-only here") from error
        raise
    if not settings.memory:
        _sync_folder(settings.path)
    return schema


def _apply_locked(con: sqlite3.Connection, choose: Choose) -> Schema:
    """Apply in the transaction that was begun, and end it."""
    try:
        schema = look(con)  # another process may have been quicker
        schema.check()
        con.execute(_LEDGER)
        done = choose(schema)
        for migration in done:
            for statement in _statements(migration.sql):
                con.execute(statement)
            row = (migration.number, migration.title, migration.checksum, int(time.time()))
            con.execute(_RECORD, row)
        con.execute("commit")
    except BaseException:
        if con.in_transaction:
            con.execute("rollback")
        raise
    return schema.after(done)


def _statements(sql: str) -> list[str]:
    found: list[str] = []
    part = ""
    for line in sql.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            found.append(part)
            part = ""
    return found


def _patiently(settings: Settings, call: Callable[[], object]) -> None:
    """Make a call that another process may hold up."""
    deadline = time.monotonic() + settings.timeout
    while True:
        try:
            call()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.002)
        else:
            return


def _sync_folder(path: str) -> None:
    """Make the file's name itself survive a power cut."""
    folder = os.open(Path(path).absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
