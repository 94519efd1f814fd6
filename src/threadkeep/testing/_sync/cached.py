# Generated from src/threadkeep/testing/_async/cached.py by scripts/unasync. Do not edit.
"""What one call may want besides, what of its result is kept, and functions that are wrapped for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import FOREVER
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.upstream import Upstream

ARGS = {"n": 1}


class Flight(msgspec.Struct):
    """A typed result."""

    number: str


class TestCached:
    """`run` and `cached`: options of a call and of a function."""

    def test_modes(self, store: Store, upstream: Upstream) -> None:
        run: Callable[..., Any] = store.tools.run
        assert (run("t", ARGS, upstream, read_only=True))["call"] == 1
        assert not (store.tools.check("t", ARGS)).hit
        assert (run("t", ARGS, upstream))["call"] == 2
        assert (run("t", ARGS, upstream, read_only=True))["call"] == 2
        assert (run("t", ARGS, upstream, bypass=True))["call"] == 3
        assert (run("t", ARGS, upstream))["call"] == 2
        assert (run("t", ARGS, upstream, refresh=True))["call"] == 4
        assert (run("t", ARGS, upstream))["call"] == 4
        with pytest.raises(UsageError, match="one of"):
            run("t", ARGS, upstream, bypass=True, refresh=True)

    def test_nothing_is_a_result_that_is_kept_only_where_asked_for(
        self, store: Store, clock: Clock, upstream: Upstream
    ) -> None:
        upstream.answer = None
        for number in (1, 2):
            assert store.tools.run("t", ARGS, upstream) is None
            assert len(upstream.calls) == number
        for _ in range(2):
            assert store.tools.run("t", ARGS, upstream, negative_ttl=clock.span(5)) is None
            assert len(upstream.calls) == 3
        clock.pass_(6)
        assert store.tools.run("t", ARGS, upstream, negative_ttl=clock.span(5)) is None
        assert len(upstream.calls) == 4

    def test_errors_and_what_is_refused_are_not_kept(
        self, make_store: MakeStore, upstream: Upstream
    ) -> None:
        store = make_store(caches=CacheOptions(accept=lambda found: found != "poor"))
        for answer in ({"isError": True}, "poor", "bad"):
            upstream.answer = answer
            for _ in range(2):
                before = len(upstream.calls)
                found = store.tools.run("t", ARGS, upstream, accept=lambda found: found != "bad")
                assert found == answer
                assert len(upstream.calls) == before + 1

    def test_a_result_is_the_same_on_a_miss_and_on_a_hit(
        self, store: Store, upstream: Upstream
    ) -> None:
        upstream.answer = Flight("TK101")
        for _ in range(2):
            assert store.tools.run("t", ARGS, upstream) == {"number": "TK101"}
            assert store.tools.run("t", ARGS, upstream, type=Flight) == Flight("TK101")
        assert len(upstream.calls) == 1

    def test_options_that_cannot_be_are_refused_before_the_call(
        self, store: Store, upstream: Upstream
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
                store.tools.run("t", ARGS, upstream, **options)
            with pytest.raises(UsageError):
                store.tools.cached("t", **options)
            with pytest.raises(UsageError):
                store.llm.cached(**options)
        for options in ({"claim_seconds": 0}, {"wait_seconds": -1}, {"on_error": "ignore"}):
            with pytest.raises(UsageError):
                CacheOptions(**options)  # pyright: ignore[reportArgumentType] - what is refused
        assert not upstream.calls

    def test_decorated_functions(self, store: Store) -> None:
        calls: list[Any] = []

        @store.tools.cached("search", ttl=60)
        def search(city: str, *, day: str = "today") -> list[str]:
            """Find."""
            calls.append((city, day))
            return [city, day, str(len(calls))]

        @store.tools.cached(ignore=("client",))
        def plain(client: object, n: int) -> int:
            calls.append((client, n))
            return n + len(calls)

        assert search("Sofia") == ["Sofia", "today", "1"]
        assert search(city="Sofia", day="today") == ["Sofia", "today", "1"]
        assert store.tools.invalidate_tool("search") == 1
        assert search("Sofia") == ["Sofia", "today", "2"]
        assert search.refresh("Sofia") == ["Sofia", "today", "3"]
        assert search.bypass("Sofia") == ["Sofia", "today", "4"]
        assert search.read_only("Sofia") == ["Sofia", "today", "3"]
        assert search.invalidate("Sofia")
        assert not search.invalidate("Sofia")
        assert search.__doc__ == "Find."
        assert plain(object(), 1) == plain(object(), 1) == 6
        with pytest.raises(TypeError):
            search()  # pyright: ignore[reportCallIssue] - what is refused
