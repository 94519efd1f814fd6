"""Where a PostgreSQL database records its migrations, and the script for those who apply them themselves. Pure."""

from __future__ import annotations

from typing import Final, LiteralString, cast

from psycopg import sql

from threadkeep.engines.sql.migrate import Migration
from threadkeep.engines.sql.postgres.names import Names

APPLIED: Final = "select number, checksum from {migration}"
LEDGER: Final = """create table if not exists {migration} (
    number int primary key, name text not null, checksum text not null,
    applied_at timestamptz not null default now())"""
LOCK: Final = "select pg_advisory_xact_lock(hashtextextended({}, 0))"
FREE_ORDER: Final = "set local check_function_bodies = off"  # functions may name later ones
_RECORD: Final = (
    "insert into {} (number, name, checksum) values ({}, {}, {}) on conflict (number) do nothing"
)


def body(migration: Migration, names: Names) -> sql.Composed:
    """Return the statements of a migration for one store."""
    return names.compose(cast("LiteralString", migration.sql), migration.functions)


def record(migration: Migration, names: Names) -> sql.Composed:
    """Return the statement that records a migration as applied."""
    values = (migration.number, migration.title, migration.checksum)
    return sql.SQL(_RECORD).format(names.table("migration"), *map(sql.Literal, values))


def lock(names: Names) -> sql.Composed:
    """Return the statement that waits for all others who migrate this store, until the transaction ends."""
    return sql.SQL(LOCK).format(sql.Literal(names.lock))


def script(migrations: tuple[Migration, ...], names: Names) -> str:
    """Return what applies the migrations and records them, in one transaction, for psql."""
    parts = [
        f"begin;\n{lock(names).as_string(None)};\n{FREE_ORDER};",
        names.compose(LEDGER).as_string(None) + ";",
    ]
    for migration in migrations:
        parts += [
            f"-- {migration.file}\n{body(migration, names).as_string(None).strip()}",
            record(migration, names).as_string(None) + ";",
        ]
    return "\n\n".join([*parts, "commit;"])
