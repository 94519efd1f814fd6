"""Servers that a test stops, kills, pauses and starts again; each on a private port in its own folder."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.redis.servers import free_port


def eventually(check: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait until `check` gives something true; what it raises counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except (redis.RedisError, OSError):
            pass
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Running:
    """A redis-server; `words` are those of its command line."""

    def __init__(self, folder: Path, *words: str, port: int | None = None) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, port or free_port()
        self._words = [program, *words, "--bind", "127.0.0.1", "--dir", str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> Running:
        log = (self.folder / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [*self._words, "--port", str(self.port)], stdout=log, stderr=log
            )
        if ready:
            eventually(lambda: self.client().ping(), f"the server at {self.port} answers")
        return self

    def client(self) -> redis.Redis:
        """Return what tests look with, past what they test."""
        return redis.Redis(port=self.port, single_connection_client=True, protocol=2)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash does."""
        self.send(signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """End it properly."""
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
            self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
