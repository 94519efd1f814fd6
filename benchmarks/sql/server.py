"""A PostgreSQL server of the benchmark's own: a private port, a folder on the disk under test, durable."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.remote.server import NotInstalled

_USER = "postgres"


class Database:
    """An empty database for one subject, as `name` on the server at `port`."""

    def __init__(self, port: int, name: str) -> None:
        self.port, self.name = port, name

    @property
    def place(self) -> str:
        """Return where it is: what follows `://` in a URL."""
        return f"{_USER}@127.0.0.1:{self.port}/{self.name}"

    def make(self) -> None:
        """Make it anew."""
        _run(self.port, f'drop database if exists "{self.name}" with (force)')
        _run(self.port, f'create database "{self.name}"')

    def bytes(self) -> int:
        """Return what its tables and indexes take, without what a vacuum gives back."""
        _run(self.port, "vacuum", self.name)
        _run(self.port, "checkpoint", self.name)
        ((size,),) = _run(self.port, "select pg_database_size(current_database())", self.name)
        return int(size)

    def analyze(self) -> None:
        """Have the server look at what it holds, as it does by itself after a minute."""
        _run(self.port, "analyze", self.name)


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


def _as_owner(folder: Path) -> list[str]:
    """Return the words that run a program as who may run a server, who gets the folder."""
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwnam(_USER)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    ids = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}"]
    return ["setpriv", *ids, "--clear-groups"]


@contextmanager
def postgres(where: Path) -> Iterator[int]:
    """Run a server with its own settings, `fsync` on, and give its port. Raises NotInstalled."""
    programs = _programs()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="bench-pg-", dir=None if os.geteuid() == 0 else where))
    words = _as_owner(folder)
    data = str(folder / "data")
    make = ["-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    options = [w for name, value in settings.items() for w in ("-c", f"{name}={value}")]
    process: subprocess.Popen[bytes] | None = None
    try:
        subprocess.run(
            [*words, str(programs / "initdb"), *make], check=True, capture_output=True, cwd=folder
        )
        process = subprocess.Popen(
            [*words, str(programs / "postgres"), "-D", data, *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
        _await(port, process)
        yield port
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(Exception):
            _run(port, "select 1")
            return
        time.sleep(0.05)
    raise NotInstalled("the server did not start")


STARTED: Final[dict[str, Callable[[Path], contextlib.AbstractContextManager[int]]]] = {
    "postgres": postgres
}
