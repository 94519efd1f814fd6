"""The part of the run on an SQL server: latency, rate, a slow network, growth, long lists, bytes on disk."""

import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks.callers import Crowd, crowds
from benchmarks.latency import Track, interleave
from benchmarks.remote.server import NotInstalled
from benchmarks.results import Curve, Latency, Rate, Results, Stored
from benchmarks.run import Run
from benchmarks.sql import SERVERS
from benchmarks.sql.subjects import ADK, OnServer
from benchmarks.sql.systems import SYSTEMS, System
from benchmarks.subjects.base import Op
from benchmarks.workload import CALLERS, FIELDS
from tests.servers.proxy import Proxy

OPS: tuple[Op, ...] = ("get", "set", "all", "append", "last", "turn")
LONG: tuple[Op, ...] = ("sessions", "events")
_FAR_MS = 1.0
_GROWING: tuple[Op, ...] = ("get", "set", "all", "append", "page")
_LENGTHENING: tuple[Op, ...] = ("append", "get", "last")
_FEW = 4  # fields of the threads that are only there
_ONCE = range(5)


def measure(run: Run, name: str, into: Results, *, growth: bool = False) -> None:
    """Measure on that server, everything or only the growth; say so when it is not there."""
    title, work = SERVERS[name], _growth if growth else _on
    try:
        with SYSTEMS[name].start(run.folder) as port:
            into.databases[title] = work(run, port, SYSTEMS[name], into)
    except NotInstalled as error:
        into.absent[title] = str(error)


def _on(run: Run, port: int, system: System, into: Results) -> Stored:
    found, kinds = Stored(), system.kinds
    with _connected(run, port, system, kinds, into) as subjects:
        for subject in subjects.values():
            _fill(run, subject, range(CALLERS))
        for op in OPS:
            found.latency[op] = _latency(run, subjects, op)
        for op in OPS:
            found.rate[op] = _rates(run, subjects, op)
        _grow(run, subjects, found)
    ours = kinds[:2]
    with (
        Proxy(port, delay=_FAR_MS / 1000) as proxy,
        _connected(run, proxy.port, system, ours, into) as far,
    ):
        for subject in far.values():
            run.loop.settle(subject.fill(range(16)))
        for op in OPS:
            taken = _latency(run, far, op)
            found.far[op] = {name: one.p50 / 1000 for name, one in taken.items()}
    found.long = _long(run, port, system, into)
    able = [kind for kind in kinds if kind.name not in into.absent]
    found.disk = {kind.name: _disk(run, port, system, kind, into) for kind in able}
    return found


def _growth(run: Run, port: int, system: System, into: Results) -> Stored:
    found = Stored()
    with _connected(run, port, system, system.kinds[:2], into) as subjects:
        for subject in subjects.values():
            _fill(run, subject, range(CALLERS))
        _grow(run, subjects, found)
    return found


def _grow(run: Run, subjects: Mapping[str, OnServer], into: Stored) -> None:
    into.threads = _threads(run, subjects)
    into.messages = _messages(run, subjects)


def _fill(run: Run, subject: OnServer, *what: Any) -> None:
    run.loop.settle(subject.fill(*what))
    subject.database.analyze()


@contextmanager
def _connected(
    run: Run, port: int, system: System, kinds: Iterable[type[OnServer]], into: Results
) -> Generator[dict[str, OnServer]]:
    """Connect each system to an empty database of its own."""
    subjects: dict[str, OnServer] = {}
    try:
        for number, kind in enumerate(kinds):
            if kind.name in into.absent:
                continue
            database = system.database(port, f"bench_{number}")
            database.make()
            subject = kind(database)
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


def _latency(
    run: Run, subjects: Mapping[str, OnServer], op: Op, threads: range = range(16)
) -> dict[str, Latency]:
    tracks = {
        name: Track(
            call=subject.calls[op],
            asynchronous=True,
            threads=(threads,),
            slice_seconds=run.scale.latency_slice,
            calls=run.scale.latency_calls,
        )
        for name, subject in subjects.items()
        if op in subject.calls
    }
    return interleave(run.loop, tracks, run.scale.latency_rounds)


def _rates(run: Run, subjects: Mapping[str, OnServer], op: Op) -> dict[str, Rate]:
    callers = {
        name: Crowd(subject.calls[op], True, CALLERS, run.scale.rate_slice)
        for name, subject in subjects.items()
        if op in subject.calls
    }
    return crowds(run.loop, callers, run.scale.rate_rounds)


def _ours(subjects: Mapping[str, OnServer]) -> dict[str, OnServer]:
    """Return the yardstick and threadkeep."""
    return dict(list(subjects.items())[:2])


def _threads(run: Run, subjects: Mapping[str, OnServer]) -> dict[str, dict[str, Curve]]:
    """Return p50 by the number of threads that are in the store beside those in use."""
    kept, stored = _ours(subjects), CALLERS
    curves: dict[str, dict[str, Curve]] = {}
    for size in run.scale.stored:
        for subject in kept.values():
            _fill(run, subject, range(stored, size), _FEW, 0)
        stored = max(stored, size)
        for op in _GROWING:
            for name, taken in _latency(run, kept, op).items():
                curves.setdefault(name, {}).setdefault(op, {})[size] = taken.p50
    return curves


def _messages(run: Run, subjects: Mapping[str, OnServer]) -> dict[str, dict[str, Curve]]:
    """Return p50 by the length of a thread's history."""
    kept = _ours(subjects)
    curves: dict[str, dict[str, Curve]] = {}
    for size in run.scale.messages:
        numbers = range(size * 10_000, size * 10_000 + 4)  # that nothing else uses
        for subject in kept.values():
            _fill(run, subject, numbers, _FEW, size)
        for op in _LENGTHENING:
            for name, taken in _latency(run, kept, op, numbers).items():
                curves.setdefault(name, {}).setdefault(op, {})[size] = taken.p50
    return curves


def _long(run: Run, port: int, system: System, into: Results) -> dict[str, dict[str, float]]:
    """Return milliseconds for a listing of many sessions, and for the whole of a long one."""
    found: dict[str, dict[str, float]] = {op: {} for op in LONG}
    with _connected(run, port, system, system.kinds, into) as subjects:
        for name, subject in subjects.items():
            if not set(LONG) & set(subject.calls):
                continue
            if "sessions" in subject.calls:
                run.loop.settle(subject.fill(range(1, run.scale.sessions), _FEW, 0))
            run.loop.settle(subject.fill(range(1), 0, run.scale.events))
            subject.database.analyze()
            for op in LONG:
                if op in subject.calls:
                    found[op][name] = _once(run, subject, op)
    return found


def _once(run: Run, subject: OnServer, op: Op) -> float:
    expected = run.scale.sessions if op == "sessions" else run.scale.events
    answer = run.loop.settle(subject.calls[op](0))
    if len(answer) != expected:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        raise RuntimeError(f"{subject.name}: {op} did not return {expected} entries")
    calls = {"one": Track(subject.calls[op], True, (range(1),), 60.0, len(_ONCE), first=1)}
    return interleave(run.loop, calls, 1)["one"].p50 / 1000


def _disk(
    run: Run, port: int, system: System, kind: type[OnServer], into: Results
) -> dict[str, float]:
    """Return the bytes of a thread of 20 short fields, and those that an appended message of 500 bytes adds."""
    count = run.scale.footprint_threads
    threads = range(1, count + 1)
    found: dict[str, float] = {}
    with _connected(run, port, system, [kind], into) as subjects:
        (subject,) = subjects.values()
        run.loop.settle(subject.fill(range(1), FIELDS, 2))
        empty = subject.database.bytes()
        if "get" in subject.calls or kind.name == ADK:
            run.loop.settle(subject.fill(threads, FIELDS, 0))
            found["a thread of 20 fields"] = (subject.database.bytes() - empty) / count
        if not found:
            run.loop.settle(subject.fill(threads, 0, 2))
        before = subject.database.bytes()
        for number in threads:
            run.loop.settle(subject.calls["append"](number))
        found["an append of 2 messages"] = (subject.database.bytes() - before) / count
    return found
