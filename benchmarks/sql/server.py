"""An SQL server of the benchmark's own: a private port, a folder on the disk under test, durable."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.remote.server import NotInstalled


class Database(ABC):
    """An empty database for one subject, as `name` on the server at `port`."""

    def __init__(self, port: int, name: str) -> None:
        self.port, self.name = port, name

    @property
    @abstractmethod
    def place(self) -> str:
        """Return where it is: what follows `://` in a URL."""

    @abstractmethod
    def make(self) -> None:
        """Make it anew."""

    @abstractmethod
    def bytes(self) -> int:
        """Return what its tables and indexes take."""

    @abstractmethod
    def analyze(self) -> None:
        """Have the server look at what it holds, as it does by itself after a while."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def own_folder(where: Path, user: str) -> Iterator[Path]:
    """Make a folder that `user` may write to, who runs the server where this process is root's."""
    folder = Path(tempfile.mkdtemp(prefix="bench-sql-", dir=None if os.geteuid() == 0 else where))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    ask: Callable[[], object],
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[None]:
    """Run a server there until the end; it has started when `ask` raises nothing. Raises NotInstalled."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        _await(ask, process)
        yield
    finally:
        process.send_signal(stop)
        process.wait(60)


def _await(ask: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(Exception):
            ask()
            return
        time.sleep(0.05)
    raise NotInstalled("the server did not start")
