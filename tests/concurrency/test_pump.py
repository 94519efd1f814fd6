"""Calls of many callers in groups."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from threadkeep.concurrency import AsyncPump, Pump


class Groups:
    """Work that doubles numbers, and the groups that it was given."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def double(self, jobs: list[int]) -> list[object]:
        self.seen.append(jobs)
        return [ValueError(job) if job < 0 else job * 2 for job in jobs]

    async def slowly(self, jobs: list[int]) -> list[object]:
        await asyncio.sleep(0.01)
        return self.double(jobs)

    def pump(self, width: int = 1, most: int = 4, heaviest: int = 1000) -> AsyncPump[int]:
        return AsyncPump(self.slowly, abs, width=width, most=most, heaviest=heaviest)


def test_one_line_serves_call_after_call():
    async def run() -> list[int]:
        pump = Groups().pump()
        return [await pump.call(n) for n in range(20)]

    assert asyncio.run(asyncio.wait_for(run(), 20)) == [n * 2 for n in range(20)]


def test_what_waits_goes_in_groups_of_a_size_and_weight():
    async def run() -> list[list[int]]:
        groups = Groups()
        pump = groups.pump(most=3, heaviest=100)
        await asyncio.gather(*(pump.call(n) for n in (1, 2, 3, 4, 99, 5, 500, 6)))
        return groups.seen

    assert asyncio.run(run()) == [[1, 2, 3], [4], [99], [5], [500], [6]]


def test_a_failed_member_and_a_cancelled_caller_harm_no_other():
    async def run() -> list[Any]:
        groups = Groups()
        pump = groups.pump()
        calls = [asyncio.ensure_future(pump.call(n)) for n in (1, -2, 3, 4, 5, 6)]
        await asyncio.sleep(0.005)
        calls[2].cancel()  # in the group that runs
        calls[4].cancel()  # still waits
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [5] not in groups.seen
        assert groups.seen == [[1, -2, 3, 4], [6]]
        await pump.stop()
        return found

    found = asyncio.run(run())
    assert [found[0], found[3], found[5]] == [2, 8, 12]
    assert isinstance(found[1], ValueError)
    assert isinstance(found[2], asyncio.CancelledError)


def test_jobs_of_one_key_are_done_in_order_on_however_many_lines():
    """A call that was cancelled under way does not come after a later one of the same key."""

    async def run() -> None:
        begun: list[int] = []
        ended: list[int] = []

        async def work(jobs: list[int]) -> list[object]:
            begun.extend(jobs)
            await asyncio.sleep(0.02 / jobs[0])  # the later, the quicker
            ended.extend(jobs)
            return list(jobs)

        pump = AsyncPump(work, lambda _: 0, width=3, most=1, heaviest=1, key=lambda job: job % 2)
        calls = [asyncio.ensure_future(pump.call(n)) for n in (1, 3, 5, 2)]
        await asyncio.sleep(0.001)
        assert begun == [1, 2]
        calls[0].cancel()
        await pump.settle(0)  # the even ones were not cancelled: nothing to wait for
        assert ended == []
        await pump.settle(1)
        assert 1 in ended
        await asyncio.gather(*calls, return_exceptions=True)
        assert [n for n in ended if n % 2] == [1, 3, 5]
        await pump.stop()

    asyncio.run(run())


def test_work_that_raises_tells_all():
    async def broken(_jobs: list[int]) -> list[object]:
        raise OSError("gone")

    async def run() -> list[Any]:
        pump = AsyncPump(broken, abs, width=1, most=4, heaviest=9)
        return await asyncio.gather(*(pump.call(1) for _ in range(3)), return_exceptions=True)

    assert all(isinstance(error, OSError) for error in asyncio.run(run()))


@pytest.mark.parametrize("width", [1, 3])
def test_threads(width: int):
    groups = Groups()

    def work(jobs: list[int]) -> list[object]:
        time.sleep(0.001)
        return groups.double(jobs)

    pump = Pump(work, abs, width=width, most=8, heaviest=10**9)
    found: dict[int, int] = {}

    def call(who: int) -> None:
        for n in range(who * 100, who * 100 + 40):
            found[n] = pump.call(n)

    threads = [threading.Thread(target=call, args=(who,)) for who in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    pump.stop()
    assert found == {n: 2 * n for who in range(12) for n in range(who * 100, who * 100 + 40)}
    assert len(groups.seen) < len(found)  # some went together
