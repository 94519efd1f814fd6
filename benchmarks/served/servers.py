"""The servers of this part, each a process of its own, and what they take."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEAD: Final = "Host: 127.0.0.1\r\n"
_TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    pid: int

    def resident(self) -> int:
        """Return the bytes of its processes in memory."""
        sizes = (re.search(r"VmRSS:\s+(\d+)", _told(pid, "status")) for pid in _family(self.pid))
        return sum(int(size[1]) * 1024 for size in sizes if size)

    def cpu_seconds(self) -> float:
        """Return the time that its processes have spent on a processor."""
        spent = (_told(pid, "stat").rpartition(")")[2].split() for pid in _family(self.pid))
        return sum(int(one[11]) + int(one[12]) for one in spent) / _TICK


def _family(pid: int) -> list[int]:
    children = _told(pid, f"task/{pid}/children").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _told(pid: int, what: str) -> str:
    return Path(f"/proc/{pid}/{what}").read_text()


@contextmanager
def bare(which: str) -> Iterator[Server]:
    """Run one of the bare applications."""
    port = _free()
    with _process("-m", "benchmarks.served.bare", which, str(port), port=port) as server:
        yield server


@contextmanager
def threadkeep(url: str) -> Iterator[Server]:
    """Run `threadkeep serve` on a store, as it comes."""
    port = _free()
    words = ("-m", "threadkeep", "serve", "--store", url, "--port", str(port))
    with _process(*words, port=port) as server:
        yield server


@contextmanager
def _process(*words: str, port: int) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                post(port, "/v1/sessions/t0/values", b'{"key":"intent","value":"book_flight"}')
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{words} does not serve") from None
                time.sleep(0.05)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def post(port: int, path: str, body: bytes) -> None:
    """Send one request and wait for its answer."""
    with socket.create_connection(("127.0.0.1", port), 10) as end:
        head = f"POST {path} HTTP/1.1\r\n{HEAD}Connection: close\r\n"
        end.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        while end.recv(65536):
            pass


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
