"""A server process of the tests' own: a private port, a temporary folder, gone with the tests."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from tests.servers.watch import WATCH

START = 30  # seconds that a server has to answer
IN_USE = "ddress already in use"
_draw = random.SystemRandom()


def free_port() -> int:
    """Return a port that nobody listens on, and nobody on the one 10,000 above: a cluster's nodes do.

    Both are below the range from which the system draws the ports of clients, so that the port is
    still free when a server comes back to it.
    """
    while True:
        port = _draw.randrange(10_100, 22_700)
        if _is_free(port) and _is_free(port + 10_000):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class ServerProcess(ABC):
    """What servers have in common. A kind of server says how it is called and when it answers.

    `folder` holds the server's data in `data`, which a fresh start clears, and what it said in
    `server.log`.
    """

    def __init__(self, title: str, *, port: int | None = None) -> None:
        self.title = title
        self.folder = Path(tempfile.mkdtemp(prefix="threadkeep-test-"))
        WATCH.note(self.folder)
        self.data = self.folder / "data"
        self.log = self.folder / "server.log"
        self._fixed = port is not None
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the words that start the server at `self.port`; called before each start."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether it serves; an OSError says no too."""

    def start(self, *, fresh: bool = False, wait: bool = True) -> Self:
        """Start the server; `fresh` without the data of an earlier run; `wait` until it answers."""
        assert not self.running, f"{self.title} runs already"
        if fresh:
            shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(exist_ok=True)
        self._spawn()
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + START
        while not self._answers():
            if not self.running:
                self._gone()
                if self._fixed or IN_USE not in self.said():
                    break
                self.port = free_port()  # somebody was quicker
                self._spawn()
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        else:
            self._fixed = True
            return
        raise AssertionError(f"{self.title} does not answer. It said:\n{self.said()}")

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        WATCH.note(self.pid)

    def _answers(self) -> bool:
        try:
            return self.answers()
        except OSError:
            return False

    def said(self, characters: int = 4000) -> str:
        """Return the end of what the server wrote to its log."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.title} was not started"
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP makes it silent, SIGCONT lets it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash does."""
        if self.running:
            self.send(signal.SIGKILL)
        self._gone()

    def stop(self) -> None:
        """End it properly; by force after 20 s."""
        if self.running:
            self.send(signal.SIGTERM)
            self.send(signal.SIGCONT)
        self._gone()

    def _gone(self) -> None:
        if self._process is None:
            return
        pid = self._process.pid
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        WATCH.forget(pid)

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        WATCH.forget(self.folder)

    def __enter__(self) -> Self:
        try:
            return self if self.running else self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()
