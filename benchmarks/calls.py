"""The part of the run that times the five operations at one caller and at 64."""

import gc
from collections.abc import Mapping, Sequence

from benchmarks.callers import Crowd, crowds, idle_lag
from benchmarks.latency import Track, interleave
from benchmarks.opened import opened, verify
from benchmarks.results import Described, Results
from benchmarks.run import Run
from benchmarks.scale import Scale
from benchmarks.subjects.base import OPS, Op, Subject
from benchmarks.workload import CALLERS, FIELDS, HISTORY

_ONE_CALLER = range(16)
"""Threads that a lone caller walks over."""


def measure(run: Run, names: Sequence[str], into: Results) -> None:
    """Fill all subjects alike, then time them in turn, operation by operation."""
    loop, scale = run.loop, run.scale
    into.idle_lag_p99_ms = idle_lag(loop, scale.rate_slice)
    with opened(loop, names, run.folder) as subjects:
        for name, subject in subjects.items():
            loop.settle(subject.fill(range(CALLERS), FIELDS, HISTORY))
            verify(loop, subject, 0)
            into.subjects[name] = Described(subject.durability, subject.note, subject.asynchronous)
        gc.collect()
        gc.freeze()  # else each collection walks through all that the peers have imported
        for op in OPS:
            run.disk.sample(scale.fdatasync // (2 * len(OPS)))
            tracks = _tracks(subjects, op, scale)
            into.latency[op] = interleave(loop, tracks, scale.latency_rounds)
        for op in OPS:
            run.disk.sample(scale.fdatasync // (2 * len(OPS)))
            into.rate[op] = crowds(loop, _crowds(subjects, op, scale), scale.rate_rounds)


def _tracks(subjects: Mapping[str, Subject], op: Op, scale: Scale) -> dict[str, Track]:
    return {
        name: Track(
            call=subject.calls[op],
            asynchronous=subject.asynchronous,
            threads=(_ONE_CALLER,),
            slice_seconds=scale.latency_slice,
            calls=scale.latency_calls,
        )
        for name, subject in subjects.items()
        if op in subject.calls
    }


def _crowds(subjects: Mapping[str, Subject], op: Op, scale: Scale) -> dict[str, Crowd]:
    return {
        name: Crowd(subject.calls[op], subject.asynchronous, CALLERS, scale.rate_slice)
        for name, subject in subjects.items()
        if op in subject.calls
    }
