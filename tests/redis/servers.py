"""A Redis server of the tests' own: a private port, a temporary folder, gone with the tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    """Return a port that nobody listens on; the nodes of a cluster talk at a port 10,000 above it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 55_000:
            return port


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


@contextmanager
def redis_cluster(folder: Path, nodes: int = 3) -> Iterator[list[int]]:
    """Run a cluster of primaries, which share the slots, and give their ports."""
    tool = shutil.which("redis-cli")
    if tool is None:
        pytest.skip("redis-cli is not installed")
    with ExitStack() as stack:
        ports: list[int] = []
        for number in range(nodes):
            place = folder / str(number)
            place.mkdir()
            ports.append(stack.enter_context(redis_server(place, cluster_enabled="yes")))
        hosts = [f"127.0.0.1:{port}" for port in ports]
        subprocess.run(
            [tool, "--cluster", "create", *hosts, "--cluster-yes"], check=True, capture_output=True
        )
        end = time.monotonic() + 30
        while not all(_covers(tool, port) for port in ports):
            assert time.monotonic() < end, "the nodes do not agree on their slots"
            time.sleep(0.05)
        yield ports


def _covers(tool: str, port: int) -> bool:
    asked = [tool, "-p", str(port), "cluster", "info"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return "cluster_state:ok" in told
