"""Where a database records its migrations, and the script for those who apply them themselves. Pure.

The server commits each statement that defines something by itself. So a file that was cut off is run again from its
beginning, and each statement in it may be run again.
"""

from __future__ import annotations

from typing import Final

from threadkeep.engines.sql.migrate import Migration

_NAME: Final = "concat('threadkeep ', left(sha1(database()), 40))"
WAIT: Final = 60  # seconds for another process that migrates
LOCK: Final = f"select get_lock({_NAME}, {WAIT})"
FREE: Final = f"do release_lock({_NAME})"
APPLIED: Final = "select number, checksum from tk_migration"
LEDGER: Final = """create table if not exists tk_migration (
    number int not null primary key, name varchar(100) not null, checksum char(32) not null,
    applied_at timestamp not null default current_timestamp
) engine = InnoDB default charset = utf8mb4"""


def body(migration: Migration) -> str:
    """Return the statements of a migration, the last one without its semicolon."""
    return migration.sql.rstrip().rstrip(";")


def record(migration: Migration) -> str:
    """Return the statement that records a migration as applied."""
    row = f"({migration.number}, '{migration.title}', '{migration.checksum}')"
    return f"insert ignore into tk_migration (number, name, checksum) values {row}"


def script(migrations: tuple[Migration, ...]) -> str:
    """Return what applies the migrations and records them, for the shell of MySQL or MariaDB."""
    parts = [f"set names utf8mb4;\n{LOCK};", f"{LEDGER};"]
    for migration in migrations:
        parts += [f"-- {migration.file}\n{body(migration)};", f"{record(migration)};"]
    return "\n\n".join([*parts, f"{FREE};"])
