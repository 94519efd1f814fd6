"""How the cost of a call grows with the length of a history and with the number of threads."""

import random
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.latency import Track, interleave
from benchmarks.opened import opened
from benchmarks.results import Curve, Latency
from benchmarks.run import Run
from benchmarks.subjects import LANGGRAPH, OPENAI, TK_MEMORY, TK_SQLITE
from benchmarks.subjects.base import Op, Subject
from benchmarks.workload import FIELDS, LAST

OF_MESSAGES = (TK_SQLITE, TK_MEMORY, OPENAI, LANGGRAPH)
OF_THREADS = (TK_SQLITE,)
LANGGRAPH_MOST = 10_000
"""It rewrites the history on each append: longer ones would take the time of the whole run."""

_OPS: tuple[Op, ...] = ("append", "last", "get", "all")
_THREAD_OPS: tuple[Op, ...] = ("get", "set", "append", "all", "page")
_EACH = 4
"""Threads of one length in a round."""
_SHORT = 1_000
"""Up to this length every round has threads of its own, for appends would soon double them."""
_OPENING = 12 * _EACH
"""Reads that open a new set of threads: some peers connect once per session and worker."""
_SLICE = 0.03
_READS = 40
_APPENDS = 8
_HOT = 100
_FEW_FIELDS = 4


def of_messages(run: Run, names: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Time appends and reads on histories of each length, all lengths in turn."""
    with opened(run.loop, names, run.folder) as subjects:
        tracks: dict[tuple[str, str, int], Track] = {}
        for name, subject in subjects.items():
            for size in run.scale.messages:
                if name != LANGGRAPH or size <= LANGGRAPH_MOST:
                    tracks |= _of_length(run, subject, size)
        return _curves(interleave(run.loop, tracks, run.scale.growth_rounds))


def _of_length(run: Run, subject: Subject, size: int) -> dict[tuple[str, str, int], Track]:
    sets = run.scale.growth_rounds if size <= _SHORT else 1
    first = size * 1_000  # numbers that no other length uses
    rounds = [range(first + r * _EACH, first + (r + 1) * _EACH) for r in range(sets)]
    for threads in rounds:
        run.loop.settle(subject.fill(threads, FIELDS, size))
    return {
        (subject.name, op, size): Track(
            call=subject.calls[op],
            asynchronous=subject.asynchronous,
            threads=rounds,
            slice_seconds=_SLICE,
            calls=_APPENDS if op == "append" else _READS,
            first=_OPENING,
            opener=subject.calls["last"],
        )
        for op in _OPS
        if op in subject.calls and (op != "last" or size >= LAST)
    }


def of_threads(run: Run, names: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Time 100 hot threads in stores of each size, and the first page of the listing."""
    tracks: dict[tuple[str, str, int], Track] = {}
    with ExitStack() as stores:
        for size in run.scale.threads:
            where = run.folder / f"threads-{size}"
            subjects = stores.enter_context(opened(run.loop, names, where))
            for subject in subjects.values():
                run.loop.settle(subject.fill(range(size), _FEW_FIELDS, 0))
                tracks |= _hot(subject, size)
        return _curves(interleave(run.loop, tracks, run.scale.growth_rounds))


def _hot(subject: Subject, size: int) -> dict[tuple[str, str, int], Track]:
    hot = random.Random(size).sample(range(size), min(_HOT, size))
    return {
        (subject.name, op, size): Track(
            call=subject.calls[op],
            asynchronous=subject.asynchronous,
            threads=(hot,),
            slice_seconds=_SLICE,
            calls=_HOT,
            warm=_HOT,
            first=5 * _HOT,
        )
        for op in _THREAD_OPS
        if op in subject.calls
    }


def _curves(found: dict[tuple[str, str, int], Latency]) -> dict[str, dict[str, Curve]]:
    curves: dict[str, dict[str, Curve]] = {}
    for (name, op, size), latency in found.items():
        curves.setdefault(name, {}).setdefault(op, {})[size] = latency.p50
    return curves
