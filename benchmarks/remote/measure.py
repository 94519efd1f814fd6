"""The part of the run on Valkey and Redis: latency, rate, a slow network, unrelated keys, memory."""

import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.callers import Crowd, crowds
from benchmarks.latency import Track, interleave
from benchmarks.remote import SERVERS
from benchmarks.remote.server import NotInstalled, server
from benchmarks.remote.subjects import (
    ALL,
    BETTERDB,
    KEY_VALUE,
    RAW,
    TK,
    WITHOUT_MODULES,
    Remote,
)
from benchmarks.results import Latency, Results, Served
from benchmarks.run import Run
from benchmarks.subjects.base import Op
from benchmarks.workload import CALLERS
from tests.servers.proxy import Proxy

OPS: tuple[Op, ...] = ("get", "set", "all", "append", "last", "check")
_FAR_MS = 1.0
_GROWING: tuple[Op, ...] = ("get", "set", "all")
_STORED = (TK, BETTERDB, KEY_VALUE)


def measure(run: Run, into: Results) -> None:
    """Measure on each server that is there; say which is not."""
    into.absent |= WITHOUT_MODULES
    for name, title in SERVERS.items():
        try:
            into.servers[title] = _on(run, name, into)
        except NotInstalled as error:
            into.absent[title] = str(error)


def _on(run: Run, name: str, into: Results) -> Served:
    found = Served()
    with server(name) as port, _connected(run, port, into) as subjects:
        for subject in subjects.values():
            run.loop.settle(subject.fill(range(CALLERS)))
        for op in OPS:
            found.latency[op] = _latency(run, subjects, op)
        for op in OPS:
            found.rate[op] = crowds(
                run.loop,
                {
                    name: Crowd(subject.calls[op], True, CALLERS, run.scale.rate_slice)
                    for name, subject in subjects.items()
                    if op in subject.calls
                },
                run.scale.rate_rounds,
            )
        with Proxy(port, delay=_FAR_MS / 1000) as proxy:
            found.far = _far(run, proxy.port, into)
        found.growth = _growth(run, port, subjects)
    found.memory = {kind.name: _memory(run, name, kind) for kind in _able(ALL, into)}
    return found


def _able(kinds: Iterable[type[Remote]], into: Results) -> list[type[Remote]]:
    """Keep those whose memory is compared and that were not left out."""
    return [kind for kind in kinds if kind.name in _STORED and kind.name not in into.absent]


@contextmanager
def _connected(run: Run, port: int, into: Results) -> Generator[dict[str, Remote]]:
    subjects: dict[str, Remote] = {}
    try:
        for kind in ALL:
            subject = kind(port)
            try:
                run.loop.settle(subject.setup())
            except ImportError as error:
                into.absent[kind.name] = f"{error.name or error} is not installed"
                print(f"left out: {kind.name}: {error}", file=sys.stderr)
                continue
            subjects[kind.name] = subject
        yield subjects
    finally:
        for subject in subjects.values():
            run.loop.settle(subject.close())


def _latency(run: Run, subjects: Mapping[str, Remote], op: Op) -> dict[str, Latency]:
    tracks = {
        name: Track(
            call=subject.calls[op],
            asynchronous=True,
            threads=(range(16),),
            slice_seconds=run.scale.latency_slice,
            calls=run.scale.latency_calls,
        )
        for name, subject in subjects.items()
        if op in subject.calls
    }
    return interleave(run.loop, tracks, run.scale.latency_rounds)


def _far(run: Run, port: int, into: Results) -> dict[str, dict[str, float]]:
    """Return p50 in milliseconds where each way takes one: trips become visible."""
    with _connected(run, port, into) as subjects:
        return {
            op: {name: taken.p50 / 1000 for name, taken in _latency(run, subjects, op).items()}
            for op in OPS
        }


def _growth(
    run: Run, port: int, subjects: Mapping[str, Remote]
) -> dict[str, dict[str, dict[int, float]]]:
    """Return p50 by number of unrelated keys on the server."""
    kept = {name: subjects[name] for name in (RAW, TK, BETTERDB) if name in subjects}
    curves: dict[str, dict[str, dict[int, float]]] = {}
    stored = 0
    for size in run.scale.unrelated:
        run.loop.settle(_unrelated(port, range(stored, size)))
        stored = size
        for op in _GROWING:
            for name, taken in _latency(run, kept, op).items():
                curves.setdefault(name, {}).setdefault(op, {})[size] = taken.p50
    return curves


def _client(port: int) -> Any:
    from redis.asyncio import Redis

    return Redis(port=port)


async def _unrelated(port: int, keys: Sequence[int]) -> None:
    client = _client(port)
    for start in range(0, len(keys), 10_000):
        await client.mset({f"unrelated:{key}": "value" for key in keys[start : start + 10_000]})
    await client.aclose()


def _memory(run: Run, name: str, kind: type[Remote]) -> float:
    """Return the bytes that the server's memory grew by for each thread of 20 short fields."""

    async def grown(port: int) -> float:
        client, subject = _client(port), kind(port)
        await subject.setup()
        await subject.fill(range(CALLERS), messages=0)  # scripts, connections
        before: int = (await client.info("memory"))["used_memory"]
        count = run.scale.footprint_threads
        await subject.fill(range(CALLERS, CALLERS + count), messages=0)
        after: int = (await client.info("memory"))["used_memory"]
        await subject.close()
        await client.aclose()
        return (after - before) / count

    with server(name) as port:
        found = run.loop.settle(grown(port))
    assert isinstance(found, float)
    return found
