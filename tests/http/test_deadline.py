"""A deadline that many tasks share ends each at its time, and nothing else."""

from __future__ import annotations

import asyncio
import time

import pytest

from threadkeep.server.deadline import Deadline


async def _outlasts(deadline: Deadline) -> float:
    begun = time.monotonic()
    with pytest.raises(TimeoutError), deadline.block():
        await asyncio.sleep(60)
    return time.monotonic() - begun


def test_each_task_has_its_own_time():
    async def run() -> list[float]:
        deadline = Deadline(0.1)
        first = asyncio.ensure_future(_outlasts(deadline))
        await asyncio.sleep(0.05)
        return [await asyncio.ensure_future(_outlasts(deadline)), await first]

    assert min(asyncio.run(run())) >= 0.1


def test_what_ends_in_time_is_left_alone_and_the_timer_goes_on_for_the_others():
    async def run() -> None:
        deadline = Deadline(0.05)
        late = asyncio.ensure_future(_outlasts(deadline))
        for _ in range(10):
            with deadline.block():
                await asyncio.sleep(0.01)
        await late
        await _outlasts(deadline)

    asyncio.run(run())


def test_a_task_that_others_cancel_is_cancelled():
    async def run() -> None:
        deadline = Deadline(60)

        async def held() -> None:
            with deadline.block():
                await asyncio.sleep(60)

        task = asyncio.ensure_future(held())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_an_error_of_the_block_comes_through():
    async def run() -> None:
        with pytest.raises(KeyError), Deadline(60).block():
            raise KeyError

    asyncio.run(run())


def test_the_next_event_loop_has_a_timer_of_its_own():
    deadline = Deadline(0.05)

    async def leave_early() -> None:
        with deadline.block():
            await asyncio.sleep(0)

    asyncio.run(leave_early())
    asyncio.run(asyncio.wait_for(_outlasts(deadline), 20))
