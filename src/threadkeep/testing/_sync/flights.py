# Generated from src/threadkeep/testing/_async/flights.py by scripts/unasync. Do not edit.
"""Calls whose results are kept: one for all who miss, whoever asks, whatever happens to the one that calls."""

from __future__ import annotations

import pytest

from threadkeep._sync.store import Store
from threadkeep.layers.cache_flights import claim
from threadkeep.layers.cache_names import entry_ref
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import SECOND
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore, OpenEngine
from threadkeep.testing._sync.upstream import Upstream
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Tasks
from threadkeep.testing.trips import Trips

ARGS = {"n": 1}


@pytest.fixture
def upstream() -> Upstream:
    """Return a tool that counts its calls."""
    return Upstream()


class TestFlights:
    """Single flight."""

    def test_a_miss_calls_and_a_hit_does_not(self, store: Store, upstream: Upstream) -> None:
        for _ in range(3):
            assert store.tools.run("t", ARGS, upstream) == {"n": 1, "call": 1}
        assert upstream.calls == [ARGS]
        assert (store.tools.check("t", ARGS)).response == {"n": 1, "call": 1}
        assert store.tools.run("t", {"n": 2}, upstream) == {"n": 2, "call": 2}

    def test_fifty_at_once_are_one_call(self, store: Store, upstream: Upstream) -> None:
        upstream.pause = 0.05
        results = Tasks.together(*[lambda: store.tools.run("t", ARGS, upstream) for _ in range(50)])
        assert results == [{"n": 1, "call": 1}] * 50
        assert len(upstream.calls) == 1
        assert len({id(result) for result in results}) == 50  # copies: nobody changes another's
        counts = (store.stats()).tools.by_name["t"]
        assert (counts.misses, counts.hits, counts.stores) == (1, 49, 1)

    def test_fifty_over_two_stores_are_one_call(
        self, make_store: MakeStore, upstream: Upstream
    ) -> None:
        upstream.pause = 0.05
        stores = [make_store() for _ in range(2)]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores for _ in range(25)]
        assert Tasks.together(*calls) == [{"n": 1, "call": 1}] * 50
        assert len(upstream.calls) == 1

    @needs("processes")
    def test_fifty_over_two_engines_are_one_call(
        self, make_store: MakeStore, open_engine: OpenEngine, upstream: Upstream
    ) -> None:
        upstream.pause = 0.05
        stores = [make_store(), make_store(engine=open_engine())]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores for _ in range(25)]
        assert Tasks.together(*calls) == [{"n": 1, "call": 1}] * 50
        assert len(upstream.calls) == 1

    def test_an_error_goes_to_its_own_caller_and_others_try_themselves(
        self, make_store: MakeStore, upstream: Upstream
    ) -> None:
        upstream.pause, upstream.failures = 0.02, 2
        stores = [make_store() for _ in range(2)]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores for _ in range(3)]
        outcomes = Tasks.outcomes(*calls)
        assert sum(isinstance(one, ConnectionError) for one in outcomes) == 2
        assert [one for one in outcomes if isinstance(one, dict)] == [{"n": 1, "call": 3}] * 4
        assert len(upstream.calls) == 3

    def test_the_claim_of_a_caller_that_died_runs_out(
        self, make_store: MakeStore, clock: Clock, upstream: Upstream
    ) -> None:
        store = make_store(caches=CacheOptions(claim_seconds=clock.span(10)))
        _dead(store, clock)
        waiting = Tasks.begin(lambda: store.tools.run("t", ARGS, upstream))
        Tasks.sleep(0.05)
        assert not upstream.calls
        clock.pass_(11)
        assert waiting.result() == {"n": 1, "call": 1}

    def test_waiting_has_an_end(
        self, make_store: MakeStore, clock: Clock, upstream: Upstream
    ) -> None:
        store = make_store(caches=CacheOptions(wait_seconds=0.05))
        _dead(store, clock)
        assert store.tools.run("t", ARGS, upstream) == {"n": 1, "call": 1}
        assert not (store.tools.check("t", ARGS)).hit  # another's claim: nothing is kept

    def test_a_long_call_keeps_its_claim(
        self, make_store: MakeStore, clock: Clock, upstream: Upstream
    ) -> None:
        if clock.span(1) == 1:
            pytest.skip("capability: real time")  # an injected clock stands still meanwhile
        upstream.pause = 0.6
        options = CacheOptions(claim_seconds=0.3)
        stores = [make_store(caches=options) for _ in range(2)]
        calls = [lambda s=s: s.tools.run("t", ARGS, upstream) for s in stores]
        Tasks.together(*calls)
        assert len(upstream.calls) == 1

    def test_what_was_fetched_before_a_removal_is_not_kept(
        self, store: Store, upstream: Upstream
    ) -> None:
        for remove in (
            lambda: store.tools.invalidate("t", ARGS),
            lambda: store.tools.invalidate_tool("t"),
        ):
            upstream.held = True
            before = len(upstream.calls)
            running = Tasks.begin(lambda: store.tools.run("t", ARGS, upstream))
            Tasks.until(lambda b=before: upstream.begun(b))
            assert not remove()
            upstream.held = False
            running.result()
            assert not (store.tools.check("t", ARGS)).hit

    def test_callers_that_want_another_type_call_for_themselves(
        self, store: Store, upstream: Upstream
    ) -> None:
        upstream.answer, upstream.held = "text", True
        first = Tasks.begin(lambda: store.tools.run("t", ARGS, upstream))
        Tasks.until(lambda: upstream.begun(0))
        second = Tasks.begin(lambda: store.tools.run("t", ARGS, lambda: 7, type=int))
        upstream.held = False
        assert (first.result(), second.result()) == ("text", 7)
        assert len(upstream.calls) == 1

    def test_trips(self, make_store: MakeStore, store: Store, upstream: Upstream) -> None:
        trips = Trips(store.ready())
        tools = make_store(engine=trips, caches=CacheOptions(flush_seconds=3_600)).tools
        tools.run("t", ARGS, upstream, ttl=60)
        assert trips.taken() == {"run": 3}  # look, claim, fill
        tools.run("t", ARGS, upstream, ttl=60)
        assert trips.taken() == {"run": 1}


def _dead(store: Store, clock: Clock) -> None:
    """Leave the claim of a caller that will never come back."""
    key = store.tools.key(ARGS)
    plan = claim(
        entry_ref(store.namespace, "tool", "t", key),
        key,
        round(clock.span(10) * SECOND),
    )
    (store.ready()).run(plan.batch)
