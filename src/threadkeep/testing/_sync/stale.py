# Generated from src/threadkeep/testing/_async/stale.py by scripts/unasync. Do not edit.
"""Results beyond their ttl: served while one caller fetches a new one."""

from __future__ import annotations

from typing import Any

from threadkeep._sync.store import Store
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.upstream import Upstream
from threadkeep.testing.tasks import Tasks

ARGS = {"n": 1}


class TestStale:
    """With `stale_for` nobody waits for a new result while there is an old one."""

    def test_a_stale_result_is_served_while_one_caller_fetches_a_new_one(
        self, store: Store, clock: Clock, upstream: Upstream
    ) -> None:
        def run() -> Any:
            return store.tools.run(
                "t", ARGS, upstream, ttl=clock.span(10), stale_for=clock.span(30)
            )

        assert (run())["call"] == 1
        clock.pass_(11)
        assert not (store.tools.check("t", ARGS)).hit
        stale = store.tools.check("t", ARGS, allow_stale=True)
        assert stale.hit and stale.stale and stale.response["call"] == 1
        upstream.held = True
        found = Tasks.together(*[run for _ in range(10)])
        assert [one["call"] for one in found] == [1] * 10
        upstream.held = False
        Tasks.until(lambda: _call_is(store, 2))
        assert len(upstream.calls) == 2
        assert (run())["call"] == 2
        clock.pass_(41)
        assert (run())["call"] == 3  # too old to be served

    def test_a_stale_result_outlives_a_failing_tool(
        self, store: Store, clock: Clock, upstream: Upstream
    ) -> None:
        terms: dict[str, Any] = {"ttl": clock.span(5), "stale_for": clock.span(60)}
        store.tools.run("t", ARGS, upstream, **terms)
        clock.pass_(6)
        upstream.failures = 1
        for _ in range(3):
            assert (store.tools.run("t", ARGS, upstream, **terms))["call"] == 1
            Tasks.until(lambda: upstream.begun(1))
        assert len(upstream.calls) == 2  # a failed renewal holds the next one up

    def test_without_stale_for_a_stale_result_is_a_miss(
        self, store: Store, clock: Clock, upstream: Upstream
    ) -> None:
        store.tools.run("t", ARGS, upstream, ttl=clock.span(5), stale_for=clock.span(60))
        clock.pass_(6)
        assert (store.tools.run("t", ARGS, upstream))["call"] == 2


def _call_is(store: Store, number: int) -> bool:
    hit = store.tools.check("t", ARGS)
    return hit.hit and hit.response["call"] == number
