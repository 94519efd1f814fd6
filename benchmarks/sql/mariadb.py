"""MariaDB with its own settings: `innodb_flush_log_at_trx_commit` is 1."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.remote.server import NotInstalled
from benchmarks.sql.server import Database, free_port, own_folder, running

_USER, _ADMIN = "mysql", "root"
_TABLES = (
    "select table_name, data_length + index_length from information_schema.tables"
    " where table_schema = database() and table_type = 'BASE TABLE'"
)
_PLACES = "/usr/sbin:/usr/libexec:/usr/local/sbin"


class MariadbDatabase(Database):
    """A database on MariaDB."""

    @property
    def place(self) -> str:
        return f"{_ADMIN}@127.0.0.1:{self.port}/{self.name}"

    def make(self) -> None:
        _run(self.port, f"drop database if exists {self.name}")
        _run(self.port, f"create database {self.name}")

    def _sizes(self) -> dict[str, int]:
        """Return the bytes of each table with its indexes."""
        found = _run(self.port, _TABLES, self.name)
        return {name: int(size) for name, size in found}

    def bytes(self) -> int:
        """Return what its tables and indexes take: whole pages, by the server's statistics."""
        self.analyze()
        return sum(self._sizes().values())

    def analyze(self) -> None:
        for name in self._sizes():
            _run(self.port, f"analyze table `{name}`", self.name)


def _run(port: int, statement: str, database: str | None = None) -> list[Any]:
    import pymysql

    with (
        pymysql.connect(
            host="127.0.0.1", port=port, user=_ADMIN, database=database, autocommit=True
        ) as con,
        con.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall())


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=_PLACES)
    if found is None:
        raise NotInstalled("MariaDB is not here; it is Debian's package mariadb-server")
    return found


def _as_owner() -> list[str]:
    return [f"--user={_USER}"] if os.geteuid() == 0 else []


@contextmanager
def mariadb(where: Path) -> Iterator[int]:
    """Run a server and give its port. Raises NotInstalled."""
    server, installer, port = _program("mariadbd"), _program("mariadb-install-db"), free_port()
    with own_folder(where, _USER) as folder:
        first = ["--no-defaults", *_as_owner(), f"--datadir={folder / 'data'}"]
        make = [installer, *first, "--auth-root-authentication-method=normal", "--skip-test-db"]
        own = {"TMPDIR": str(folder)}  # a server that starts removes the temporary tables there
        subprocess.run(make, check=True, capture_output=True, cwd=folder, env={**os.environ, **own})
        settings = {
            "tmpdir": folder,
            "port": port,
            "bind-address": "127.0.0.1",
            "socket": folder / "s",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with running([server, *first, *options], folder, lambda: _run(port, "select 1")):
            yield port
