"""A limit on the time of a call."""

from __future__ import annotations

import time

import pytest

from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.store import AsyncStore
from threadkeep._async.wrappers.passing import AsyncPassing
from threadkeep.errors import Timeout, Unavailable, UsageError
from threadkeep.model.options import Limits
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due, Page, Query
from threadkeep.ops.reply import Reply
from threadkeep.testing.tasks import AsyncTasks
from threadkeep.wrapping import timeout

pytestmark = pytest.mark.anyio


class AsyncSlow(AsyncPassing):
    """An engine that takes its time after it has done what was asked."""

    pause = 0.0

    async def run(self, batch: Batch) -> Reply:
        reply = await self.inner.run(batch)
        await AsyncTasks.sleep(self.pause)
        return reply

    async def scan(self, query: Query) -> Page:
        await AsyncTasks.sleep(self.pause)
        return await self.inner.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        await AsyncTasks.sleep(self.pause)
        return await self.inner.claim(due)


@pytest.fixture
def slow() -> AsyncSlow:
    return AsyncSlow(AsyncMemoryEngine(lambda: time.time_ns() // 1000, Limits()))


async def test_what_is_in_time_passes(slow: AsyncSlow):
    async with AsyncStore(engine=timeout(5)(slow)) as store:
        await store.thread("t").state.set("a", 1)
        assert await store.thread("t").state.get("a") == 1
        assert [t.id async for t in store.threads()] == ["t"]
        assert (await store.sweep()).expired == 0


# sync: off
async def test_what_is_late_is_cut_short_and_says_so(slow: AsyncSlow):
    async with AsyncStore(engine=timeout(0.05)(slow)) as store:
        state = store.thread("t").state
        slow.pause = 60
        begun = time.monotonic()
        with pytest.raises(
            Timeout, match=r"thread 't'.*limit of 0\.05 seconds.*may have"
        ) as caught:
            await state.set("a", 1)
        assert caught.value.maybe_applied
        assert isinstance(caught.value, Unavailable)
        with pytest.raises(Timeout, match=r"0\.05 seconds") as caught:
            await state.get("a")
        assert not caught.value.maybe_applied
        with pytest.raises(Timeout, match="a listing") as caught:
            await store.threads().page()
        assert not caught.value.maybe_applied
        with pytest.raises(Timeout, match="a claim") as caught:
            await store.sweep()
        assert caught.value.maybe_applied
        assert time.monotonic() - begun < 20
        slow.pause = 0
        assert await state.get("a") == 1  # it had its effect


async def test_a_call_that_is_cancelled_is_no_timeout(slow: AsyncSlow):
    import asyncio

    slow.pause = 60
    task = asyncio.create_task(AsyncStore(engine=timeout(50)(slow)).thread("t").state.get("a"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# sync: on
async def test_late_results_are_kept_where_nothing_can_be_cut_short(slow: AsyncSlow):
    from threadkeep._sync.drivers.memory import MemoryEngine
    from threadkeep._sync.store import Store

    engine = MemoryEngine(lambda: time.time_ns() // 1000, Limits())
    with Store(engine=timeout(0.000_001)(engine)) as store:
        store.thread("t").state.set("a", 1)
        assert store.thread("t").state.get("a") == 1


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "5", None])
async def test_limits_that_make_no_sense(slow: AsyncSlow, seconds: float):
    with pytest.raises(UsageError, match="seconds"):
        timeout(seconds)(slow)
