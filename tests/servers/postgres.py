"""PostgreSQL servers: a cluster of the tests' own, as Debian's packages have it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.process import ServerProcess

USER = "postgres"


def programs() -> Path:
    """Return the folder of the newest server's programs, or skip: there is none on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version)
    if found:
        return found[-1].parent
    one = shutil.which("postgres")
    if one is None:
        pytest.skip("PostgreSQL is not here; it is Debian's package postgresql")
    return Path(one).resolve().parent


def _version(program: Path) -> int:
    return int(program.parent.parent.name)


class PostgresServer(ServerProcess):
    """A server. `config` overrides its settings; it is quick and forgets at a power cut without `durable`."""

    def __init__(self, *, port: int | None = None, durable: bool = False, **config: object) -> None:
        self._programs = programs()
        super().__init__("PostgreSQL", port=port)
        quick = {} if durable else {"fsync": "off", "full_page_writes": "off"}
        self.config = {**quick, "shared_buffers": "64MB", "max_connections": 200, **config}
        self._owner = pwd.getpwnam(USER) if os.geteuid() == 0 else None
        if self._owner is not None:  # the server refuses to run as root
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)

    def _words(self, program: str) -> list[str]:
        words = [str(self._programs / program)]
        return words if self._owner is None else ["setpriv", *self._identity(), *words]

    def _identity(self) -> list[str]:
        assert self._owner is not None
        ids = (self._owner.pw_uid, self._owner.pw_gid)
        return [f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups"]

    def _spawn(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._init()
        super()._spawn()

    def _init(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(
            [*self._words("initdb"), *options, "--no-sync"],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )

    def command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            **self.config,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*self._words("postgres"), "-D", str(self.data), *options]

    def answers(self) -> bool:
        try:
            self.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def connect(self, database: str = "postgres", **options: Any) -> psycopg.Connection[Any]:
        """Return a connection of the administrator's, in autocommit mode."""
        options = {"autocommit": True, "connect_timeout": 5, **options}
        return psycopg.connect(self.url_of(database), **options)

    def execute(self, statement: str, *args: object, database: str = "postgres") -> list[Any]:
        """Return the rows of a statement."""
        with self.connect(database) as con:
            cursor = con.execute(statement, args or None)  # pyright: ignore[reportArgumentType] - tests' own
            return cursor.fetchall() if cursor.description else []

    def url_of(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    @property
    def url(self) -> str:
        """The URL of a store on it."""
        return self.url_of("postgres")

    def stop(self) -> None:
        """End it at once but properly."""
        if self.running:
            self.send(signal.SIGINT)
        self._gone()

    def kill(self) -> None:
        """End it and all of its processes, each as a crash does."""
        if not self.running:
            self._gone()
            return
        children = _children(self.pid)
        self.send(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._gone()
        end = time.monotonic() + 20
        while any(_runs(child) for child in children):
            assert time.monotonic() < end, "a process of the server outlives it"
            time.sleep(0.005)


class Standby(PostgresServer):
    """A copy of a primary that follows it by streaming, until it is promoted."""

    def __init__(self, primary: PostgresServer, **config: Any) -> None:
        super().__init__(**config)
        self._primary = primary

    def _init(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host=127.0.0.1 port={self._primary.port} user={USER}"
        options = ["-d", source, "-D", str(self.data), "-R", "-c", "fast", "--no-sync"]
        command = [*self._words("pg_basebackup"), *options]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)

    def promote(self) -> None:
        """Have it take writes from now on."""
        assert self.execute("select pg_promote(true, 30)") == [(True,)]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(path.parent.name))
    return found


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
