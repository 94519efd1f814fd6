"""Calls whose results are kept: one for all who miss, whoever asks, whatever happens to the one that calls."""

from __future__ import annotations

import asyncio

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.layers.cache_flights import claim
from threadkeep.layers.cache_names import entry_ref
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import SECOND
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore, OpenEngine
from threadkeep.testing._async.upstream import AsyncUpstream
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks
from threadkeep.testing.trips import AsyncTrips

ARGS = {"n": 1}


@pytest.fixture
def upstream() -> AsyncUpstream:
    """Return a tool that counts its calls."""
    return AsyncUpstream()


@pytest.mark.anyio
class TestFlights:
    """Single flight."""

    async def test_a_miss_calls_and_a_hit_does_not(
        self, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        for _ in range(3):
            assert await store.tools.run("t", ARGS, upstream) == {"n": 1, "call": 1}
        assert upstream.calls == [ARGS]
        assert (await store.tools.check("t", ARGS)).response == {"n": 1, "call": 1}
        assert await store.tools.run("t", {"n": 2}, upstream) == {"n": 2, "call": 2}

    async def test_fifty_at_once_are_one_call(
        self, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        upstream.pause = 0.05
        results = await AsyncTasks.together(
            *[lambda: store.tools.run("t", ARGS, upstream) for _ in range(50)]
        )
        assert results == [{"n": 1, "call": 1}] * 50
        assert len(upstream.calls) == 1
        assert len({id(result) for result in results}) == 50  # copies: nobody changes another's
        counts = (await store.stats()).tools.by_name["t"]
        assert (counts.misses, counts.hits, counts.stores) == (1, 49, 1)

    async def test_fifty_over_two_stores_are_one_call(
        self, make_store: MakeStore, upstream: AsyncUpstream
    ) -> None:
        upstream.pause = 0.05
        stores = [make_store() for _ in range(2)]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores for _ in range(25)]
        assert await AsyncTasks.together(*calls) == [{"n": 1, "call": 1}] * 50
        assert len(upstream.calls) == 1

    @needs("processes")
    async def test_fifty_over_two_engines_are_one_call(
        self, make_store: MakeStore, open_engine: OpenEngine, upstream: AsyncUpstream
    ) -> None:
        upstream.pause = 0.05
        stores = [make_store(), make_store(engine=await open_engine())]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores for _ in range(25)]
        assert await AsyncTasks.together(*calls) == [{"n": 1, "call": 1}] * 50
        assert len(upstream.calls) == 1

    async def test_an_error_goes_to_its_own_caller_and_others_try_themselves(
        self, make_store: MakeStore, upstream: AsyncUpstream
    ) -> None:
        upstream.pause, upstream.failures = 0.02, 2
        stores = [make_store() for _ in range(2)]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores for _ in range(3)]
        outcomes = await AsyncTasks.outcomes(*calls)
        assert sum(isinstance(one, ConnectionError) for one in outcomes) == 2
        assert [one for one in outcomes if isinstance(one, dict)] == [{"n": 1, "call": 3}] * 4
        assert len(upstream.calls) == 3

    async def test_the_claim_of_a_caller_that_died_runs_out(
        self, make_store: MakeStore, clock: AsyncClock, upstream: AsyncUpstream
    ) -> None:
        store = make_store(caches=CacheOptions(claim_seconds=clock.span(10)))
        await _dead(store, clock)
        waiting = AsyncTasks.begin(lambda: store.tools.run("t", ARGS, upstream))
        await AsyncTasks.sleep(0.05)
        assert not upstream.calls
        await clock.pass_(11)
        assert await waiting.result() == {"n": 1, "call": 1}

    async def test_waiting_has_an_end(
        self, make_store: MakeStore, clock: AsyncClock, upstream: AsyncUpstream
    ) -> None:
        store = make_store(caches=CacheOptions(wait_seconds=0.05))
        await _dead(store, clock)
        assert await store.tools.run("t", ARGS, upstream) == {"n": 1, "call": 1}
        assert not (await store.tools.check("t", ARGS)).hit  # another's claim: nothing is kept

    async def test_a_long_call_keeps_its_claim(
        self, make_store: MakeStore, clock: AsyncClock, upstream: AsyncUpstream
    ) -> None:
        if clock.span(1) == 1:
            pytest.skip("capability: real time")  # an injected clock stands still meanwhile
        upstream.pause = 0.6
        options = CacheOptions(claim_seconds=0.3)
        stores = [make_store(caches=options) for _ in range(2)]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores]
        await AsyncTasks.together(*calls)
        assert len(upstream.calls) == 1

    async def test_what_was_fetched_before_a_removal_is_not_kept(
        self, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        for remove in (
            lambda: store.tools.invalidate("t", ARGS),
            lambda: store.tools.invalidate_tool("t"),
        ):
            upstream.held = True
            before = len(upstream.calls)
            running = AsyncTasks.begin(lambda: store.tools.run("t", ARGS, upstream))
            await AsyncTasks.until(lambda b=before: upstream.begun(b))
            assert not await remove()
            upstream.held = False
            await running.result()
            assert not (await store.tools.check("t", ARGS)).hit

    async def test_callers_that_want_another_type_call_for_themselves(
        self, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        upstream.answer, upstream.held = "text", True
        first = AsyncTasks.begin(lambda: store.tools.run("t", ARGS, upstream))
        await AsyncTasks.until(lambda: upstream.begun(0))
        second = AsyncTasks.begin(lambda: store.tools.run("t", ARGS, lambda: 7, type=int))
        upstream.held = False
        assert (await first.result(), await second.result()) == ("text", 7)
        assert len(upstream.calls) == 1

    # sync: off
    async def test_a_caller_that_is_cancelled_takes_no_other_down(
        self, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        upstream.held = True
        first = asyncio.create_task(store.tools.run("t", ARGS, upstream))
        await AsyncTasks.until(lambda: upstream.begun(0))
        others = [asyncio.create_task(store.tools.run("t", ARGS, upstream)) for _ in range(5)]
        await AsyncTasks.sleep(0)
        others[0].cancel()
        first.cancel()
        upstream.held = False
        results = await asyncio.gather(first, *others, return_exceptions=True)
        cancelled = [isinstance(one, asyncio.CancelledError) for one in results]
        assert cancelled == [True, True, False, False, False, False]
        assert results[2:] == [{"n": 1, "call": 2}] * 4

    # sync: on
    async def test_trips(
        self, make_store: MakeStore, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        trips = AsyncTrips(await store.ready())
        tools = make_store(engine=trips, caches=CacheOptions(flush_seconds=3_600)).tools
        await tools.run("t", ARGS, upstream, ttl=60)
        assert trips.taken() == {"run": 3}  # look, claim, fill
        await tools.run("t", ARGS, upstream, ttl=60)
        assert trips.taken() == {"run": 1}


async def _dead(store: AsyncStore, clock: AsyncClock) -> None:
    """Leave the claim of a caller that will never come back."""
    key = store.tools.key(ARGS)
    plan = claim(
        entry_ref(store.namespace, "tool", "t", key),
        key,
        round(clock.span(10) * SECOND),
    )
    await (await store.ready()).run(plan.batch)
