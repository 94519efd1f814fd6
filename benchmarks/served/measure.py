"""The part of the run on the server: requests, watchers, idle connections."""

import asyncio
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.remote.server import NotInstalled, server
from benchmarks.results import Http, Results
from benchmarks.run import Run
from benchmarks.served.load import OPS, THREADS, Load, NoWrk, wrk

BARE: Final = {"bare ASGI callable": "asgi", "bare Starlette": "starlette"}
MEMORY: Final = "threadkeep memory"
SQLITE: Final = "threadkeep sqlite"
VALKEY: Final = "threadkeep Valkey 9"
_HEAD: Final = "Host: 127.0.0.1\r\n"


def measure(run: Run, into: Results) -> None:
    """Measure what is there; say what is not."""
    found = into.http = Http()
    with ExitStack() as stack:
        stores = {MEMORY: "memory://", SQLITE: f"sqlite:///{run.folder}/http.db"}
        try:
            stores[VALKEY] = f"valkey://127.0.0.1:{stack.enter_context(server('valkey9'))}"
        except NotInstalled as error:
            into.absent[VALKEY] = str(error)
        ports = {name: stack.enter_context(_bare(which)) for name, which in BARE.items()}
        ours = {name: stack.enter_context(_threadkeep(url)) for name, url in stores.items()}
        ports |= {name: port for name, (port, _) in ours.items()}
        try:
            found.load = _loads(run, ports)
        except NoWrk as error:
            into.absent["requests over HTTP"] = str(error)
        port, process = ours[MEMORY]
        found.watchers = run.scale.watchers
        found.fan_out_ms = asyncio.run(_fan_out(port, run.scale.watchers, run.scale.rate_rounds))
        found.idle_bytes = _idle(port, process.pid, run.scale.idle)


def _loads(run: Run, ports: Mapping[str, int]) -> dict[str, dict[str, Load]]:
    """Return the medians of rounds in which all subjects take turns."""
    seconds = run.scale.http_slice
    for port in ports.values():
        for number in range(THREADS):
            _post(port, f"/v1/sessions/t{number}/values", b'{"key":"intent","value":"book_flight"}')
    found: dict[str, dict[str, Load]] = {}
    for op in OPS:
        rounds = [
            {name: wrk(port, op, seconds, run.folder) for name, port in ports.items()}
            for _ in range(run.scale.http_rounds)
        ]
        found[op] = {name: _median([one[name] for one in rounds]) for name in ports}
    return found


def _median(loads: list[Load]) -> Load:
    return Load(
        statistics.median(one.per_second for one in loads),
        statistics.median(one.p99_ms for one in loads),
        sum(one.failed for one in loads),
    )


def _post(port: int, path: str, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as end:
        head = f"POST {path} HTTP/1.1\r\n{_HEAD}Connection: close\r\n"
        end.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        while end.recv(65536):
            pass


async def _fan_out(port: int, watchers: int, rounds: int) -> list[float]:
    """Return the milliseconds from a write to the moment when every watcher has heard of it, a round each."""
    ask = f"GET /v1/threads/watched/watch HTTP/1.1\r\n{_HEAD}\r\n".encode()
    body = b'{"key":"n","value":1}'
    head = (
        f"POST /v1/sessions/watched/values HTTP/1.1\r\n{_HEAD}Content-Length: {len(body)}\r\n\r\n"
    )
    ends = [await asyncio.open_connection("127.0.0.1", port) for _ in range(watchers)]
    writing = await asyncio.open_connection("127.0.0.1", port)
    try:
        for reader, writer in ends:
            writer.write(ask)
            await reader.readuntil(b": open\n\n")
        await asyncio.sleep(0.5)  # until the last of them has subscribed
        took: list[float] = []
        for _ in range(rounds):
            begun = time.perf_counter()
            writing[1].write(head.encode() + body)
            await asyncio.gather(*(reader.readuntil(b"event: change") for reader, _ in ends))
            took.append((time.perf_counter() - begun) * 1000)
            await writing[0].readuntil(b"\r\n\r\n")
        return took
    finally:
        for _, writer in (*ends, writing):
            writer.close()


def _idle(port: int, pid: int, connections: int) -> float:
    """Return the bytes by which the server grows for a connection that has made one request and stays."""
    ask = f"GET /v1/sessions/t0/values/intent HTTP/1.1\r\n{_HEAD}\r\n".encode()
    ends: list[socket.socket] = []
    try:
        before = _resident(pid)
        for _ in range(connections):
            end = socket.create_connection(("127.0.0.1", port), 10)
            ends.append(end)
            end.sendall(ask)
            end.recv(65536)
        return (_resident(pid) - before) / connections
    finally:
        for end in ends:
            end.close()


def _resident(pid: int) -> int:
    """Return the bytes of a process and those that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{pid}/status").read_text()
    size = re.search(r"VmRSS:\s+(\d+)", status)
    return (int(size[1]) * 1024 if size else 0) + sum(_resident(int(one)) for one in children)


@contextmanager
def _bare(which: str) -> Iterator[int]:
    port = _free()
    with _process("-m", "benchmarks.served.bare", which, str(port), port=port):
        yield port


@contextmanager
def _threadkeep(url: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    port = _free()
    words = ("-m", "threadkeep", "serve", "--store", url, "--port", str(port))
    with _process(*words, port=port) as process:
        yield port, process


@contextmanager
def _process(*words: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                _post(port, "/v1/sessions/t0/values", b'{"key":"intent","value":"book_flight"}')
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{words} does not serve") from None
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
