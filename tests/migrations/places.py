"""Databases of each dialect: empty ones, ones of an earlier schema, and what stands in them."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg
from pymysql.constants import CLIENT

from tests.servers.mariadb import MariadbServer
from tests.servers.mariadb import program as mariadb_program
from tests.servers.postgres import PostgresServer, programs
from threadkeep.engines.sql.migrate import Migration, known

FIXTURES = Path(__file__).parent / "fixtures"
SCHEMA = "agents"
DIALECTS = ("sqlite", "postgres", "mysql")


def fixtures(dialect: str) -> list[int]:
    """Return the numbers of the schemas that were kept."""
    return sorted(int(path.stem) for path in (FIXTURES / dialect).glob("*.sql"))


def migrations(dialect: str) -> tuple[Migration, ...]:
    return known(f"threadkeep.engines.sql.{dialect}")


class Place(Protocol):
    """One database."""

    dialect: str
    url: str

    def furnish(self) -> None:
        """Make what must be there before a store."""
        ...

    def run(self, script: str) -> None:
        """Run a script as who owns the database."""
        ...

    def ask(self, statement: str) -> Sequence[tuple[Any, ...]]: ...

    def table(self, name: str) -> str:
        """Return how a table of the store is called in statements."""
        ...

    def tables(self) -> list[str]: ...

    def shape(self) -> list[str]:
        """Return the definitions of all that the schema has."""
        ...

    def dump(self) -> str:
        """Return a script that makes this database with its rows."""
        ...


def load(place: Place, number: int) -> None:
    """Make the store of an earlier schema."""
    place.run((FIXTURES / place.dialect / f"{number:04}.sql").read_text(encoding="utf-8"))


def rows(place: Place) -> dict[str, list[str]]:
    """Return the rows of each table of the store, of the ledger none."""
    tables = (table for table in place.tables() if not table.endswith("_migration"))
    return {t: sorted(map(repr, place.ask(f"select * from {place.table(t)}"))) for t in tables}


def applied(place: Place) -> list[int]:
    found = place.ask(f"select number from {place.table('tk_migration')} order by number")
    return [number for (number,) in found]


class SqlitePlace:
    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def furnish(self) -> None:
        return

    def run(self, script: str) -> None:
        with closing(sqlite3.connect(self.path)) as con:
            con.executescript(script)

    def ask(self, statement: str) -> Sequence[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=0)) as con:
            return con.execute(statement).fetchall()

    def table(self, name: str) -> str:
        return name

    def tables(self) -> list[str]:
        found = self.ask("select name from sqlite_master where type = 'table' and name like 'tk%'")
        return [name for (name,) in found]

    def shape(self) -> list[str]:
        found = self.ask("select sql from sqlite_master where sql is not null")
        return sorted(" ".join(sql.split()) for (sql,) in found)

    def dump(self) -> str:
        with closing(sqlite3.connect(self.path)) as con:
            return "\n".join(con.iterdump()) + "\n"


class PostgresPlace:
    dialect = "postgres"

    def __init__(self, server: PostgresServer, database: str) -> None:
        self.server, self.database = server, database
        self.url = f"{server.url_of(database)}?schema={SCHEMA}"
        server.execute(f"create database {database}")

    def furnish(self) -> None:
        """Make the schema, which fixtures bring along."""
        self.run(f"create schema {SCHEMA}")

    def run(self, script: str) -> None:
        with self.server.connect(self.database) as con:
            con.execute(script)  # pyright: ignore[reportArgumentType, reportCallIssue] - tests' own

    def ask(self, statement: str) -> Sequence[tuple[Any, ...]]:
        return self.server.execute(statement, database=self.database)

    def table(self, name: str) -> str:
        return f"{SCHEMA}.{name}"

    def tables(self) -> list[str]:
        found = self.ask(f"select tablename from pg_tables where schemaname = '{SCHEMA}'")
        return [name for (name,) in found]

    def shape(self) -> list[str]:
        return sorted(self._dumped("--schema-only").split(";\n"))

    def dump(self) -> str:
        return self._dumped("--rows-per-insert=50")

    def _dumped(self, *options: str) -> str:
        words = [str(programs() / "pg_dump"), "--no-owner", "--no-privileges", *options]
        done = subprocess.run(
            [*words, self.server.url_of(self.database)], check=True, capture_output=True, text=True
        )
        # what is left is SQL of any server: comments and words to psql go
        return re.sub(r"^(--|\\)[^\n]*\n|^\n", "", done.stdout, flags=re.MULTILINE)


class MysqlPlace:
    dialect = "mysql"

    def __init__(self, server: MariadbServer, database: str) -> None:
        self.server, self.database = server, database
        self.url = server.url_of(database)
        server.execute(f"create database {database}")

    def furnish(self) -> None:
        return

    def run(self, script: str) -> None:
        con = self.server.connect(self.database, client_flag=CLIENT.MULTI_STATEMENTS)
        with con, con.cursor() as cursor:
            cursor.execute(script)
            while cursor.nextset():
                pass

    def ask(self, statement: str) -> Sequence[tuple[Any, ...]]:
        return self.server.execute(statement, database=self.database)

    def table(self, name: str) -> str:
        return name

    def tables(self) -> list[str]:
        found = self.ask("show full tables where table_type = 'BASE TABLE'")
        return [name for name, _ in found if name.startswith("tk_")]

    def shape(self) -> list[str]:
        return sorted(self._dumped("--no-data", "--routines").split(";\n"))

    def dump(self) -> str:
        return self._dumped("--hex-blob", "--skip-extended-insert")

    def _dumped(self, *options: str) -> str:
        words = [mariadb_program("mariadb-dump"), "--no-defaults", "-h127.0.0.1", "-uroot"]
        quiet = ("--skip-comments", "--skip-dump-date", "--skip-add-locks", "--compact")
        done = subprocess.run(
            [*words, f"-P{self.server.port}", *quiet, *options, self.database],
            check=True,
            capture_output=True,
            text=True,
        )
        # the shell's own words, and the database's name in views
        text = re.sub(r"^(/\*M?!999999|--)[^\n]*\n", "", done.stdout, flags=re.MULTILINE)
        return text.replace(f"`{self.database}`.", "")


def waits(place: Place) -> bool:
    """Tell whether somebody's migration is under way and goes no further."""
    if isinstance(place, PostgresPlace):
        return bool(place.ask("select 1 from pg_locks where not granted"))
    if isinstance(place, MysqlPlace):
        time.sleep(0.15)  # the server looks anew only where nobody has asked for 0.1 s
        return bool(
            place.ask("select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT'")
        )
    try:
        with closing(sqlite3.connect(place.url.removeprefix("sqlite:///"), timeout=0)) as con:
            con.execute("begin immediate")
    except sqlite3.OperationalError:
        return True
    return False


def alone(place: Place) -> bool:
    """Tell whether nobody else is connected any more."""
    if isinstance(place, MysqlPlace):
        return not place.ask(
            "select 1 from information_schema.processlist"
            " where db = database() and id <> connection_id()"
        )
    if not isinstance(place, PostgresPlace):
        return True
    others = "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    try:
        return not place.ask(others)
    except psycopg.Error:
        return False
