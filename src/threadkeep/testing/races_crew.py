"""Many callers of one store at once: tasks of an AsyncStore, threads of a Store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from threadkeep._async.store import AsyncStore
from threadkeep._sync.store import Store

S = TypeVar("S")
T = TypeVar("T")
AnyStore = AsyncStore | Store
Report = list[Any]
THREAD = "race"
PATIENCE = 60.0


class LostRaceError(AssertionError):
    """What must be true after a race is not."""


def require(holds: object, what: str) -> None:
    """Raise LostRaceError with `what` unless it holds."""
    if not holds:
        raise LostRaceError(what)


async def settle(found: Awaitable[T] | T) -> T:
    """Return the result of a call to either kind of store."""
    if isinstance(found, Awaitable):
        return await cast("Awaitable[T]", found)
    return found


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that calls a Store, and so never waits for a loop."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("a coroutine over a Store waited for an event loop")


async def together(
    store: AnyStore, work: Callable[[S], Coroutine[Any, Any, T]], seats: Sequence[S]
) -> list[T]:
    """Do work for all seats at once, each in a task or thread of its own; results in order."""
    if isinstance(store, AsyncStore):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work(seat)) for seat in seats]
        return [task.result() for task in tasks]

    def alone(seat: S) -> T:
        return drive(work(seat))

    with ThreadPoolExecutor(len(seats)) as pool:
        return list(pool.map(alone, seats))


async def pause(store: AnyStore, seconds: float) -> None:
    """Wait without holding up other contenders."""
    if isinstance(store, AsyncStore):
        await asyncio.sleep(seconds)
    else:
        time.sleep(seconds)  # noqa: ASYNC251 - a thread of its own drives this


class Waits:
    """How long each call of a contender took, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def on(self, begun: float, call: Awaitable[T] | T) -> T:
        """Return the call's result and note the time since `begun`, taken before the call."""
        result = await settle(call)
        self.seconds.append(time.perf_counter() - begun)
        return result


@dataclass(frozen=True)
class Seat:
    """Where a contender is: the store, its number of how many, its rounds, where to note waits."""

    store: AnyStore
    who: int
    of: int
    each: int
    waits: Waits

    async def wait_for_all(self, point: str) -> None:
        """Go on when all contenders, in whatever process, have come to this point."""
        state = self.store.app().state
        await settle(state.increment(point))
        begun = time.monotonic()
        while await settle(state.get(point)) < self.of:
            require(time.monotonic() - begun < PATIENCE, f"not all came to the point {point!r}")
            await pause(self.store, 0.003)


@dataclass(frozen=True)
class Finish:
    """What the judge sees: the store and the report of each contender."""

    store: AnyStore
    reports: list[Report]
    each: int

    @property
    def total(self) -> int:
        """Return how many rounds were done by all together."""
        return self.each * len(self.reports)


class Race(Protocol):
    """Something to do at the same time."""

    @property
    def name(self) -> str:
        """Return the name by which another process finds it in RACES."""
        ...

    async def contend(self, seat: Seat) -> Report:
        """Do the rounds of one contender and report."""
        ...

    async def judge(self, finish: Finish) -> None:
        """Raise LostRaceError unless all is as it must be."""
        ...
