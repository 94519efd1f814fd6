"""One caller: the time of single calls, all subjects in turn."""

import gc
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TypeVar, cast

from benchmarks.loop import Loop
from benchmarks.results import Latency, latency
from benchmarks.subjects.base import Call

Key = TypeVar("Key", bound=Hashable)

_WARM = 4
"""Calls that open each slice and are not counted: the caches belong to the previous subject."""
_FIRST = 200
"""Calls that open the first slice: connections, prepared statements, code paths."""


@dataclass(frozen=True)
class Track:
    """One operation of one subject at one size."""

    call: Call
    asynchronous: bool
    threads: Sequence[Sequence[int]]
    """Threads to walk over, for each round; the last entry serves all later rounds."""
    slice_seconds: float
    calls: int
    warm: int = _WARM
    first: int = _FIRST
    """Calls not counted when the threads are new, in the first slice or in each."""
    opener: Call | None = None
    """What to call for these; None stands for `call`. A reading one changes no thread."""

    def order(self, round_: int) -> Sequence[int]:
        """Return the threads of that round."""
        return self.threads[min(round_, len(self.threads) - 1)]


def interleave(loop: Loop, tracks: Mapping[Key, Track], rounds: int) -> dict[Key, Latency]:
    """Time all tracks, a slice each in a new random order in every round."""
    samples: dict[Key, list[int]] = {key: [] for key in tracks}
    order = list(tracks)
    shuffle = random.Random(1).shuffle
    for round_ in range(rounds):
        gc.collect()
        shuffle(order)
        for key in order:
            samples[key] += _slice(loop, tracks[key], round_)
    return {key: latency(values) for key, values in samples.items()}


def _slice(loop: Loop, track: Track, round_: int) -> list[int]:
    threads = track.order(round_)
    new = round_ < len(track.threads)
    opener = track.opener if new and track.opener else track.call
    _timed(loop, track, opener, threads, track.first if new else track.warm)
    return _timed(loop, track, track.call, threads, track.calls)


def _timed(loop: Loop, track: Track, call: Call, threads: Sequence[int], calls: int) -> list[int]:
    if track.asynchronous:
        return cast(
            "list[int]", loop.settle(_time_async(call, threads, calls, track.slice_seconds))
        )
    return _time_sync(call, threads, calls, track.slice_seconds)


def _time_sync(call: Call, threads: Sequence[int], calls: int, seconds: float) -> list[int]:
    taken: list[int] = []
    end = perf_counter_ns() + int(seconds * 1e9)
    for turn in range(calls):
        thread = threads[turn % len(threads)]
        start = perf_counter_ns()
        call(thread)
        stop = perf_counter_ns()
        taken.append(stop - start)
        if stop >= end:
            break
    return taken


async def _time_async(call: Call, threads: Sequence[int], calls: int, seconds: float) -> list[int]:
    awaited = cast("Callable[[int], Awaitable[object]]", call)
    taken: list[int] = []
    end = perf_counter_ns() + int(seconds * 1e9)
    for turn in range(calls):
        thread = threads[turn % len(threads)]
        start = perf_counter_ns()
        await awaited(thread)
        stop = perf_counter_ns()
        taken.append(stop - start)
        if stop >= end:
            break
    return taken
