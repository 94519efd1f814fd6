"""The part of the run on the server: requests, watchers, idle connections."""

import asyncio
import random
import socket
import statistics
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from benchmarks.remote.server import NotInstalled, server
from benchmarks.results import Http, Results
from benchmarks.run import Run
from benchmarks.served.load import OPS, THREADS, Load, NoWrk, wrk
from benchmarks.served.servers import HEAD, Server, bare, post, threadkeep

BARE: Final = {"bare ASGI callable": "asgi", "bare Starlette": "starlette"}
MEMORY: Final = "threadkeep memory"
SQLITE: Final = "threadkeep sqlite"
VALKEY: Final = "threadkeep Valkey 9"
STORES: Final = (MEMORY, SQLITE, VALKEY)


def measure(run: Run, into: Results) -> None:
    """Measure what is there; say what is not."""
    found = into.http = Http()
    with ExitStack() as stack:
        urls = {MEMORY: "memory://", SQLITE: f"sqlite:///{run.folder}/http.db"}
        try:
            urls[VALKEY] = f"valkey://127.0.0.1:{stack.enter_context(server('valkey9'))}"
        except NotInstalled as error:
            into.absent[VALKEY] = str(error)
        servers = {name: stack.enter_context(bare(which)) for name, which in BARE.items()}
        servers |= {name: stack.enter_context(threadkeep(url)) for name, url in urls.items()}
        try:
            found.load = _loads(run, servers)
        except NoWrk as error:
            into.absent["requests over HTTP"] = str(error)
    with threadkeep("memory://") as fresh:
        found.idle_bytes = _idle(fresh, run.scale.idle)
    with threadkeep("memory://") as fresh:
        found.watchers = run.scale.watchers
        rounds = 5 * run.scale.rate_rounds
        found.fan_out_ms, found.watcher_bytes = asyncio.run(
            _fan_out(fresh, run.scale.watchers, rounds)
        )


def _loads(run: Run, servers: Mapping[str, Server]) -> dict[str, dict[str, Load]]:
    """Return the medians of rounds in which all subjects take turns, in a new order each time."""
    for one in servers.values():
        for number in range(THREADS):
            path = f"/v1/sessions/t{number}/values"
            post(one.port, path, b'{"key":"intent","value":"book_flight"}')
    found: dict[str, dict[str, Load]] = {}
    for op in OPS:
        rounds: dict[str, list[Load]] = {name: [] for name in servers}
        for _ in range(run.scale.http_rounds):
            for name in random.sample(list(servers), len(servers)):
                begun = servers[name].cpu_seconds()
                load = wrk(servers[name].port, op, run.scale.http_slice, run.folder)
                spent = servers[name].cpu_seconds() - begun
                rounds[name].append(replace(load, cpu_us=spent * 1e6 / max(load.requests, 1)))
        found[op] = {name: _median(loads) for name, loads in rounds.items()}
    return found


def _median(loads: list[Load]) -> Load:
    return Load(
        statistics.median(one.per_second for one in loads),
        statistics.median(one.p99_ms for one in loads),
        sum(one.failed for one in loads),
        sum(one.requests for one in loads),
        statistics.median(one.cpu_us for one in loads),
    )


async def _fan_out(to: Server, watchers: int, rounds: int) -> tuple[list[float], float]:
    """Return how long a change takes to reach the last watcher, a round each, and the bytes of a watcher.

    The milliseconds are those from the write to the moment when every watcher has heard of it.
    """
    ask = f"GET /v1/threads/watched/watch HTTP/1.1\r\n{HEAD}\r\n".encode()
    body = b'{"key":"n","value":1}'
    head = f"POST /v1/sessions/watched/values HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n"
    before = to.resident()
    ends = [await asyncio.open_connection("127.0.0.1", to.port) for _ in range(watchers)]
    writing = await asyncio.open_connection("127.0.0.1", to.port)
    try:
        for reader, writer in ends:
            writer.write(ask)
            await reader.readuntil(b": open\n\n")
        await asyncio.sleep(0.5)  # until the last of them has subscribed
        each = (to.resident() - before) / watchers
        took: list[float] = []
        for _ in range(rounds):
            begun = time.perf_counter()
            writing[1].write(head.encode() + body)
            await asyncio.gather(*(reader.readuntil(b"event: change") for reader, _ in ends))
            took.append((time.perf_counter() - begun) * 1000)
            await writing[0].readuntil(b"\r\n\r\n")
        return took, each
    finally:
        for _, writer in (*ends, writing):
            writer.close()


def _idle(to: Server, connections: int) -> float:
    """Return the bytes by which the server grows for a connection that has made one request and stays."""
    ask = f"GET /v1/sessions/t0/values/intent HTTP/1.1\r\n{HEAD}\r\n".encode()
    ends: list[socket.socket] = []
    try:
        before = to.resident()
        for _ in range(connections):
            end = socket.create_connection(("127.0.0.1", to.port), 10)
            ends.append(end)
            end.sendall(ask)
            end.recv(65536)
        return (to.resident() - before) / connections
    finally:
        for end in ends:
            end.close()
