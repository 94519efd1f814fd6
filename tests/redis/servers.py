"""A Redis server of the tests' own: a private port, a temporary folder, gone with the tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(b"PING\r\n")
            return link.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@contextmanager
def redis_server(folder: Path, program: str = "redis-server", **options: str) -> Iterator[int]:
    """Run a server and give its port. `options` are those of its configuration, `_` for `-`."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    port = free_port()
    words = [found, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", value]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 20
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise AssertionError((folder / "server.log").read_text(errors="replace"))
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()
            process.wait(timeout=20)
