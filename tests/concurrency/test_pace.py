"""Calls that give way to others, in each event loop by itself."""

from __future__ import annotations

import asyncio
import threading
import time

from threadkeep.concurrency import AsyncPace
from threadkeep.concurrency.pace import ALLOWANCE


async def _call(pace: AsyncPace) -> None:
    if pace.due():
        await pace.wait()


async def _use_up(pace: AsyncPace) -> None:
    """Take more of a turn than is allowed, and leave the loop within it."""
    assert not pace.due()
    time.sleep(2 * ALLOWANCE)  # noqa: ASYNC251 - the turn is to be taken up


def test_a_loop_that_ended_within_a_turn_holds_up_no_later_one():
    pace = AsyncPace()
    ended = asyncio.new_event_loop()
    try:
        coroutine = _use_up(pace)
        ended.call_soon(lambda: ended.create_task(coroutine))
        ended.call_soon(ended.call_soon, ended.stop)
        ended.run_forever()
    finally:
        ended.close()
    asyncio.run(asyncio.wait_for(_call(pace), 5))


def test_loops_at_the_same_time_do_not_wait_for_each_other():
    pace = AsyncPace()
    taken, may_go = threading.Event(), threading.Event()

    async def hold() -> None:
        await _use_up(pace)
        taken.set()
        may_go.wait(20)

    other = threading.Thread(target=lambda: asyncio.run(hold()))
    other.start()
    try:
        assert taken.wait(20)
        asyncio.run(asyncio.wait_for(_call(pace), 5))
    finally:
        may_go.set()
        other.join(20)


def test_who_waits_is_served_in_turn():
    async def run() -> list[int]:
        pace, order = AsyncPace(), list[int]()

        async def one(number: int) -> None:
            await pace.wait()
            order.append(number)

        await asyncio.gather(*(one(number) for number in range(500)))
        return order

    assert asyncio.run(run()) == list(range(500))
