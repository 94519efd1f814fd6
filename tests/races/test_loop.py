"""A task that does nothing but call never freezes the others of its loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from threadkeep import AsyncStore
from threadkeep._async.entity import AsyncThread

SECONDS = 0.6
TICK = 0.005
LAG = 0.25  # seconds; a frozen loop lags for as long as the test runs

BUSY: dict[str, Callable[[AsyncThread], Awaitable[object]]] = {
    "get": lambda thread: thread.state.get("a"),
    "get_all": lambda thread: thread.state.get_all(),
    "has": lambda thread: thread.state.has("nothing"),
    "list": lambda thread: thread.messages.list(last=5),
    "info": lambda thread: thread.info(),
    "set": lambda thread: thread.state.set("a", 1),
}


async def ticks(until: float) -> tuple[int, float]:
    """How many ticks a neighbour got, and the longest that one of them came late."""
    count, late = 0, 0.0
    while (begun := time.perf_counter()) < until:
        await asyncio.sleep(TICK)
        count += 1
        late = max(late, time.perf_counter() - begun - TICK)
    return count, late


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/busy.db", "sqlite://"])
@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_neighbours_of_a_busy_task_go_on(
    busy: Callable[[AsyncThread], Awaitable[object]], url: str, tmp_path: Path
):
    async def run() -> tuple[int, tuple[int, float]]:
        async with AsyncStore(url.format(tmp_path)) as store:
            thread = store.thread("t")
            await thread.state.update({"a": 1, "b": "x" * 1000})
            await thread.messages.append(*({"role": "user", "content": "hi"} for _ in range(20)))
            until = time.perf_counter() + SECONDS
            neighbour = asyncio.create_task(ticks(until))
            calls = 0
            while time.perf_counter() < until:
                await busy(thread)
                calls += 1
            return calls, await neighbour

    calls, (count, late) = asyncio.run(run())
    assert calls > 50  # else nothing was busy
    assert count > 5, f"{count} ticks beside {calls} calls"
    assert late < LAG, f"a tick came {late:.3f} s late beside {calls} calls"


def test_the_measure_finds_out_a_frozen_loop():
    async def run() -> tuple[int, float]:
        neighbour = asyncio.create_task(ticks(time.perf_counter() + SECONDS))
        await asyncio.sleep(0.02)
        time.sleep(SECONDS)  # noqa: ASYNC251 - that is what must be found out
        return await neighbour

    count, late = asyncio.run(run())
    assert count < 8
    assert late > LAG
