"""Calls whose results are kept: one for all who miss, whoever asks, whatever happens to the one that calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.layers.cache_flights import claim
from threadkeep.layers.cache_names import entry_ref
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import FOREVER, SECOND
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore, OpenEngine
from threadkeep.testing._async.upstream import AsyncUpstream
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks
from threadkeep.testing.trips import AsyncTrips

ARGS = {"n": 1}


class Flight(msgspec.Struct):
    """A typed result."""

    number: str


@pytest.fixture
def upstream() -> AsyncUpstream:
    """Return a tool that counts its calls."""
    return AsyncUpstream()


@pytest.mark.anyio
class TestFlights:
    """Single flight, stale results while a new one comes, and what one call may want besides."""

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
            upstream.pause = 0.05
            before = len(upstream.calls)
            running = AsyncTasks.begin(lambda: store.tools.run("t", ARGS, upstream))
            await AsyncTasks.until(lambda b=before: upstream.begun(b))
            assert not await remove()
            await running.result()
            assert not (await store.tools.check("t", ARGS)).hit

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
        upstream.pause = 0.02
        found = await AsyncTasks.together(*[run for _ in range(10)])
        assert [one["call"] for one in found] == [1] * 10
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

    async def test_modes(self, store: AsyncStore, upstream: AsyncUpstream) -> None:
        run: Callable[..., Any] = store.tools.run
        assert (await run("t", ARGS, upstream, read_only=True))["call"] == 1
        assert not (await store.tools.check("t", ARGS)).hit
        assert (await run("t", ARGS, upstream))["call"] == 2
        assert (await run("t", ARGS, upstream, read_only=True))["call"] == 2
        assert (await run("t", ARGS, upstream, bypass=True))["call"] == 3
        assert (await run("t", ARGS, upstream))["call"] == 2
        assert (await run("t", ARGS, upstream, refresh=True))["call"] == 4
        assert (await run("t", ARGS, upstream))["call"] == 4
        with pytest.raises(UsageError, match="one of"):
            await run("t", ARGS, upstream, bypass=True, refresh=True)

    async def test_nothing_is_a_result_that_is_kept_only_where_asked_for(
        self, store: AsyncStore, clock: AsyncClock, upstream: AsyncUpstream
    ) -> None:
        upstream.answer = None
        for number in (1, 2):
            assert await store.tools.run("t", ARGS, upstream) is None
            assert len(upstream.calls) == number
        for _ in range(2):
            assert await store.tools.run("t", ARGS, upstream, negative_ttl=clock.span(5)) is None
            assert len(upstream.calls) == 3
        await clock.pass_(6)
        assert await store.tools.run("t", ARGS, upstream, negative_ttl=clock.span(5)) is None
        assert len(upstream.calls) == 4

    async def test_errors_and_what_is_refused_are_not_kept(
        self, make_store: MakeStore, upstream: AsyncUpstream
    ) -> None:
        store = make_store(caches=CacheOptions(accept=lambda found: found != "poor"))
        for answer in ({"isError": True}, "poor", "bad"):
            upstream.answer = answer
            for _ in range(2):
                before = len(upstream.calls)
                found = await store.tools.run(
                    "t", ARGS, upstream, accept=lambda found: found != "bad"
                )
                assert found == answer
                assert len(upstream.calls) == before + 1

    async def test_a_result_is_the_same_on_a_miss_and_on_a_hit(
        self, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        upstream.answer = Flight("TK101")
        for _ in range(2):
            assert await store.tools.run("t", ARGS, upstream) == {"number": "TK101"}
            assert await store.tools.run("t", ARGS, upstream, type=Flight) == Flight("TK101")
        assert len(upstream.calls) == 1

    async def test_options_that_cannot_be_are_refused_before_the_call(
        self, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        wrong: list[dict[str, Any]] = [
            {"ttl": 0},
            {"stale_for": -1},
            {"ttl": FOREVER, "stale_for": 1},
            {"negative_ttl": "1"},
            {"tll": 1},
        ]
        for options in wrong:
            with pytest.raises(UsageError):
                await store.tools.run("t", ARGS, upstream, **options)
            with pytest.raises(UsageError):
                store.tools.cached("t", **options)
            with pytest.raises(UsageError):
                store.llm.cached(**options)
        for options in ({"claim_seconds": 0}, {"wait_seconds": -1}, {"on_error": "ignore"}):
            with pytest.raises(UsageError):
                CacheOptions(**options)  # pyright: ignore[reportArgumentType] - what is refused
        assert not upstream.calls

    async def test_decorated_functions(self, store: AsyncStore) -> None:
        calls: list[Any] = []

        @store.tools.cached("search", ttl=60)
        async def search(city: str, *, day: str = "today") -> list[str]:
            """Find."""
            calls.append((city, day))
            return [city, day, str(len(calls))]

        @store.tools.cached(ignore=("client",))
        def plain(client: object, n: int) -> int:
            calls.append((client, n))
            return n + len(calls)

        assert await search("Sofia") == ["Sofia", "today", "1"]
        assert await search(city="Sofia", day="today") == ["Sofia", "today", "1"]
        assert await store.tools.invalidate_tool("search") == 1
        assert await search("Sofia") == ["Sofia", "today", "2"]
        assert await search.refresh("Sofia") == ["Sofia", "today", "3"]
        assert await search.bypass("Sofia") == ["Sofia", "today", "4"]
        assert await search.read_only("Sofia") == ["Sofia", "today", "3"]
        assert await search.invalidate("Sofia")
        assert not await search.invalidate("Sofia")
        assert search.__doc__ == "Find."
        assert await plain(object(), 1) == await plain(object(), 1) == 6
        with pytest.raises(TypeError):
            await search()  # pyright: ignore[reportCallIssue] - what is refused

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
        anew=False,
    )
    await (await store.ready()).run(plan.batch)


async def _call_is(store: AsyncStore, number: int) -> bool:
    hit = await store.tools.check("t", ARGS)
    return hit.hit and hit.response["call"] == number
