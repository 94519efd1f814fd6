"""What an SQLite file is like, found out without changing it: for `doctor`, `migrate` and exports of all namespaces."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from threadkeep.engines.sql.migrate import Schema
from threadkeep.engines.sql.sqlite.connect import Settings, map_error, open_connection
from threadkeep.engines.sql.sqlite.schema import look
from threadkeep.engines.sql.sqlite.view import SQL
from threadkeep.errors import UsageError


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. Times are microseconds.

    `newest_update`, `oldest_due`: None where there is nothing.
    """

    path: str
    writable: bool
    file_bytes: int
    wal_bytes: int
    disk_free: int
    disk_total: int
    durability: str
    journal: str
    schema: Schema
    newest_update: int | None
    oldest_due: int | None
    entities: int
    namespaces: tuple[str, ...]


def inspect(settings: Settings) -> Inspection:
    """Look at the file of `settings`. Raises as opening it does; UsageError for a database in memory."""
    if settings.memory:
        raise UsageError("a database in memory has no file to look at")
    ro = msgspec.structs.replace(settings, mode="ro")
    try:
        with closing(open_connection(ro, write=False, wait=settings.timeout)) as con:
            return _inspect(con, settings)
    except sqlite3.Error as error:
        raise map_error(error, settings.path) from error


def _inspect(con: sqlite3.Connection, settings: Settings) -> Inspection:
    schema = look(con)
    there = bool(schema.applied)
    path = Path(settings.path).absolute()
    usage = shutil.disk_usage(path.parent)
    return Inspection(
        path=settings.path,
        writable=os.access(path, os.W_OK) and os.access(path.parent, os.W_OK),
        file_bytes=path.stat().st_size,
        wal_bytes=_size(path.with_name(path.name + "-wal")),
        disk_free=usage.free,
        disk_total=usage.total,
        durability=settings.durability,
        journal=con.execute("pragma journal_mode").fetchone()[0],
        schema=schema,
        newest_update=_one(con, SQL["newest_update"]) if there else None,
        oldest_due=_one(con, SQL["oldest_due"]) if there else None,
        entities=_one(con, "select count(*) from tk_entity") or 0 if there else 0,
        namespaces=_namespaces(con) if there else (),
    )


def _one(con: sqlite3.Connection, sql: str) -> int | None:
    return con.execute(sql).fetchone()[0]


def _namespaces(con: sqlite3.Connection) -> tuple[str, ...]:
    """Return all namespaces, stepping over the index instead of reading it whole."""
    found: list[str] = []
    last = ""
    while True:
        row = con.execute("select min(ns) from tk_entity where ns > ?", (last,)).fetchone()
        if row[0] is None:
            return tuple(found)
        last = row[0]
        found.append(last)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
