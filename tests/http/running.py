"""`threadkeep serve` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.http.raw import Client
from tests.servers.process import free_port


class Running:
    """A running server: its port, its process, a client."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.folder, self.port, self.process = folder, port, process
        self.call = Client(port)

    @property
    def said(self) -> str:
        return (self.folder / "server.log").read_text()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)


def threadkeep(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command of threadkeep in a folder."""
    command = [sys.executable, "-m", "threadkeep", *words]
    found = {**os.environ, **env}
    return subprocess.run(
        command, cwd=folder, env=found, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def serving(
    folder: Path,
    *words: str,
    port: int | None = None,
    ready: Callable[[], bool] | None = None,
    program: Sequence[str] | None = None,
    **env: str,
) -> Iterator[Running]:
    """Start a server in a folder, and kill it at the end. `ready` tells that it serves, if not by HTTP.

    `program` is run instead of `threadkeep serve`, with the port in its environment.
    """
    port = port or free_port()
    if program is None:
        command = [sys.executable, "-m", "threadkeep", "serve", "--port", str(port), *words]
    else:
        command, env = [*program, *words], env | {"THREADKEEP_PORT": str(port)}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **env}, stdout=log, stderr=log
        )
    running = Running(folder, port, process)
    try:
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None, running.said
            try:
                if ready() if ready else running.call("GET", "/ready").status == 200:
                    break
            except OSError:
                pass
            assert time.monotonic() < end, running.said
            time.sleep(0.02)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
