"""PostgreSQL with its own settings: `fsync` is on."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.remote.server import NotInstalled
from benchmarks.sql.server import Database, free_port, own_folder, running

_USER = "postgres"


class PostgresDatabase(Database):
    """A database on PostgreSQL."""

    @property
    def place(self) -> str:
        return f"{_USER}@127.0.0.1:{self.port}/{self.name}"

    def make(self) -> None:
        _run(self.port, f'drop database if exists "{self.name}" with (force)')
        _run(self.port, f'create database "{self.name}"')

    def bytes(self) -> int:
        """Return what its tables and indexes take, without what a vacuum gives back."""
        _run(self.port, "vacuum", self.name)
        _run(self.port, "checkpoint", self.name)
        ((size,),) = _run(self.port, "select pg_database_size(current_database())", self.name)
        return int(size)

    def analyze(self) -> None:
        _run(self.port, "analyze", self.name)
        _run(self.port, "checkpoint")


def _run(port: int, statement: str, database: str = "postgres") -> list[Any]:
    import psycopg

    place = f"postgresql://{_USER}@127.0.0.1:{port}/{database}"
    with psycopg.connect(place, autocommit=True) as con:
        cursor = con.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3])
    )
    one = str(found[-1]) if found else shutil.which("postgres")
    if one is None:
        raise NotInstalled("PostgreSQL is not here; it is Debian's package postgresql")
    return Path(one).resolve().parent


def _as_owner() -> list[str]:
    """Return the words that run a program as who may run a server."""
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwnam(_USER)
    ids = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}"]
    return ["setpriv", *ids, "--clear-groups"]


@contextmanager
def postgres(where: Path) -> Iterator[int]:
    """Run a server and give its port. Raises NotInstalled."""
    programs, port = _programs(), free_port()
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    options = [w for name, value in settings.items() for w in ("-c", f"{name}={value}")]
    with own_folder(where, _USER) as folder:
        data = str(folder / "data")
        make = ["-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
        words = [*_as_owner(), str(programs / "initdb"), *make]
        subprocess.run(words, check=True, capture_output=True, cwd=folder)
        command = [*_as_owner(), str(programs / "postgres"), "-D", data, *options]
        with running(command, folder, lambda: _run(port, "select 1"), signal.SIGINT):
            yield port
