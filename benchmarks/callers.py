"""Many callers at once: rate, how equally they are served, how late the event loop runs."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar, cast

from benchmarks.loop import Loop
from benchmarks.results import Rate, percentile
from benchmarks.subjects.base import Call

Key = TypeVar("Key", bound=Hashable)

_TICK = 0.005
"""Seconds between two looks at the loop's lag."""


@dataclass
class Window:
    """What one subject did in all its windows."""

    counts: list[int]
    lags: list[float] = field(default_factory=list[float])
    seconds: float = 0.0

    def rate(self) -> Rate:
        """Summarise all windows."""
        lag = percentile(self.lags, 0.99) * 1000 if self.lags else None
        return Rate(
            per_second=sum(self.counts) / self.seconds,
            least=min(self.counts),
            most=max(self.counts),
            lag_p99_ms=lag,
        )


@dataclass(frozen=True)
class Crowd:
    """One operation of one subject, each caller on its own thread of the store."""

    call: Call
    asynchronous: bool
    callers: int
    seconds: float


def crowds(loop: Loop, subjects: Mapping[Key, Crowd], rounds: int) -> dict[Key, Rate]:
    """Measure all subjects in turn, `rounds` windows each after one that is thrown away."""
    found = {key: Window([0] * crowd.callers) for key, crowd in subjects.items()}
    for crowd in subjects.values():
        _window(loop, crowd, Window([0] * crowd.callers))
    for _ in range(rounds):
        for key, crowd in subjects.items():
            gc.collect()
            _window(loop, crowd, found[key])
    return {key: window.rate() for key, window in found.items()}


def idle_lag(loop: Loop, seconds: float) -> float:
    """Return the p99 lag in milliseconds of a loop that has nothing else to do."""
    lags: list[float] = []
    loop.settle(_tick(lags, perf_counter() + seconds))
    return percentile(lags, 0.99) * 1000


def _window(loop: Loop, crowd: Crowd, into: Window) -> None:
    if crowd.asynchronous:
        loop.settle(_tasks(crowd, into))
    else:
        _threads(crowd, into)


async def _tick(lags: list[float], end: float) -> None:
    """Sleep in short steps and note how much later than asked each ended."""
    now = perf_counter()
    while now < end:
        await asyncio.sleep(_TICK)
        woken = perf_counter()
        lags.append(woken - now - _TICK)
        now = woken


async def _tasks(crowd: Crowd, into: Window) -> None:
    call = cast("Callable[[int], Awaitable[object]]", crowd.call)
    start = perf_counter()
    end = start + crowd.seconds

    async def caller(number: int) -> None:
        done = 0
        while perf_counter() < end:
            await call(number)
            done += 1
        into.counts[number] += done

    async with asyncio.TaskGroup() as group:
        group.create_task(_tick(into.lags, end))
        for number in range(crowd.callers):
            group.create_task(caller(number))
    into.seconds += perf_counter() - start


def _threads(crowd: Crowd, into: Window) -> None:
    call = crowd.call
    gate = threading.Barrier(crowd.callers + 1)

    def caller(number: int) -> None:
        gate.wait()
        done, end = 0, perf_counter() + crowd.seconds
        while perf_counter() < end:
            call(number)
            done += 1
        into.counts[number] += done

    with ThreadPoolExecutor(crowd.callers) as pool:
        callers = [pool.submit(caller, number) for number in range(crowd.callers)]
        gate.wait()
        start = perf_counter()
        for done in callers:
            done.result()
        into.seconds += perf_counter() - start
