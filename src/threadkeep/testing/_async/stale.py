"""Results beyond their ttl: served while one caller fetches a new one."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.upstream import AsyncUpstream
from threadkeep.testing.tasks import AsyncTasks

ARGS = {"n": 1}


@pytest.mark.anyio
class TestStale:
    """With `stale_for` nobody waits for a new result while there is an old one."""

    async def test_a_stale_result_is_served_while_one_caller_fetches_a_new_one(
        self, store: AsyncStore, clock: AsyncClock, upstream: AsyncUpstream
    ) -> None:
        async def run() -> Any:
            return await store.tools.run(
                "t", ARGS, upstream, ttl=clock.span(10), stale_for=clock.span(30)
            )

        assert (await run())["call"] == 1
        await clock.pass_(11)
        assert not (await store.tools.check("t", ARGS)).hit
        stale = await store.tools.check("t", ARGS, allow_stale=True)
        assert stale.hit and stale.stale and stale.response["call"] == 1
        upstream.held = True
        found = await AsyncTasks.together(*[run for _ in range(10)])
        assert [one["call"] for one in found] == [1] * 10
        upstream.held = False
        await AsyncTasks.until(lambda: _call_is(store, 2))
        assert len(upstream.calls) == 2
        assert (await run())["call"] == 2
        await clock.pass_(41)
        assert (await run())["call"] == 3  # too old to be served

    async def test_a_stale_result_outlives_a_failing_tool(
        self, store: AsyncStore, clock: AsyncClock, upstream: AsyncUpstream
    ) -> None:
        terms: dict[str, Any] = {"ttl": clock.span(5), "stale_for": clock.span(60)}
        await store.tools.run("t", ARGS, upstream, **terms)
        await clock.pass_(6)
        upstream.failures = 1
        for _ in range(3):
            assert (await store.tools.run("t", ARGS, upstream, **terms))["call"] == 1
            await AsyncTasks.until(lambda: upstream.begun(1))
        assert len(upstream.calls) == 2  # a failed renewal holds the next one up

    async def test_without_stale_for_a_stale_result_is_a_miss(
        self, store: AsyncStore, clock: AsyncClock, upstream: AsyncUpstream
    ) -> None:
        await store.tools.run("t", ARGS, upstream, ttl=clock.span(5), stale_for=clock.span(60))
        await clock.pass_(6)
        assert (await store.tools.run("t", ARGS, upstream))["call"] == 2


async def _call_is(store: AsyncStore, number: int) -> bool:
    hit = await store.tools.check("t", ARGS)
    return hit.hit and hit.response["call"] == number
