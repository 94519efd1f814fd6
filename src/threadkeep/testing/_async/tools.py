"""Results of tools: found by name and arguments, until their ttl is over or somebody removes them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import TooLarge, UsageError
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import FOREVER
from threadkeep.model.options import Limits
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing.trips import AsyncTrips

ARGS = {"destination": "Sofia", "date": "2026-06-01"}
FLIGHTS = [{"flight": "TK101", "price": 129}]
NAMES = (
    *("a", "a:", "a:b", "a:000", "a%", "a%3A", "a%3A000", "%", "%policies", "%counts00", "%none"),
    *("A", "ä", "a\n", "\x00", "a b", "*", "a*", "__proto__", "x" * 512, "x" * 511, ":" * 512),
)


@pytest.mark.anyio
class TestTools:
    """A result stands under the name of its tool and all of its arguments."""

    async def test_what_is_stored_is_found(self, store: AsyncStore) -> None:
        missed = await store.tools.check("search", ARGS)
        assert (missed.hit, missed.response, missed.age, missed.ttl) == (False, None, None, None)
        key = await store.tools.store("search", ARGS, FLIGHTS)
        hit = await store.tools.check("search", ARGS)
        assert (hit.hit, hit.response, hit.key, hit.stale) == (True, FLIGHTS, key, False)
        assert missed.key == key == store.tools.key(ARGS)
        assert not (await store.tools.check("search", {**ARGS, "date": "2026-06-02"})).hit
        assert not (await store.tools.check("other", ARGS)).hit

    async def test_equal_arguments_have_one_key(self, store: AsyncStore) -> None:
        await store.tools.store("t", {"a": 1, "b": [1.0, {"x": None, "y": "é"}]}, "found")
        same = {"b": (1, {"y": "é", "x": None}), "a": 1.0}
        assert (await store.tools.check("t", same)).response == "found"
        await store.tools.store("t", None, "nothing")
        assert (await store.tools.check("t", {})).response == "nothing"
        for other in ({"a": True}, {"a": "1"}, {"a": 1, "b": None}, [1], "a", 2**53 + 1, 2.0**53):
            assert not (await store.tools.check("t", other)).hit

    @pytest.mark.parametrize(
        "response",
        [
            "text",
            "",
            "lone \ud83d",
            b"\x00\xff",
            None,
            False,
            {"a": [1, "b"]},
            (1, {2}),
            datetime(2026, 6, 1, tzinfo=UTC),
            Decimal("1.50"),
        ],
    )
    async def test_responses_keep_their_type(self, store: AsyncStore, response: Any) -> None:
        await store.tools.store("t", ARGS, response)
        hit = await store.tools.check("t", ARGS)
        assert hit.hit
        assert (hit.response, type(hit.response)) == (response, type(response))

    async def test_any_name_is_legal_and_reaches_no_other(self, store: AsyncStore) -> None:
        for number, name in enumerate(NAMES):
            await store.tools.store(name, ARGS, number)
        for number, name in enumerate(NAMES):
            assert (await store.tools.check(name, ARGS)).response == number
        for number, name in enumerate(NAMES):
            assert await store.tools.invalidate_tool(name) == 1
            left = [other for other in NAMES if (await store.tools.check(other, ARGS)).hit]
            assert left == list(NAMES[number + 1 :])

    async def test_another_namespace_shares_nothing(
        self, make_store: MakeStore, store: AsyncStore
    ) -> None:
        other = make_store(namespace=f"{store.namespace}-other")
        await store.tools.store("t", ARGS, 1)
        assert not (await other.tools.check("t", ARGS)).hit
        assert await other.tools.invalidate_tool("t") == 0
        assert (await store.tools.check("t", ARGS)).hit

    async def test_invalidate_removes_one(self, store: AsyncStore) -> None:
        await store.tools.store("t", ARGS, 1)
        await store.tools.store("t", {"n": 2}, 2)
        assert await store.tools.invalidate("t", ARGS)
        assert not await store.tools.invalidate("t", ARGS)
        assert not (await store.tools.check("t", ARGS)).hit
        assert (await store.tools.check("t", {"n": 2})).response == 2

    async def test_invalidate_tool_removes_and_counts_all(self, store: AsyncStore) -> None:
        for number in range(60):
            await store.tools.store("t", {"n": number}, number)
            await store.tools.store("tt", {"n": number}, number)
        assert await store.tools.invalidate_tool("t") == 60
        assert await store.tools.invalidate_tool("t") == 0
        assert not (await store.tools.check("t", {"n": 7})).hit
        assert (await store.tools.check("tt", {"n": 7})).response == 7

    async def test_a_result_ends_and_no_lookup_renews_it(
        self, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        store = make_store(clock=lambda: clock.micros() / 1e6, ttl={"tool": clock.span(20)})
        await store.tools.store("t", {"n": 1}, 1, ttl=clock.span(10))
        await store.tools.store("t", {"n": 2}, 2)
        await store.tools.store("t", {"n": 3}, 3, ttl=FOREVER)
        hit = await store.tools.check("t", {"n": 1})
        assert hit.age is not None
        assert hit.ttl is not None
        assert 0 <= hit.age <= clock.span(5)
        assert clock.span(5) <= hit.ttl <= clock.span(10)
        await clock.pass_(6)
        assert (await store.tools.check("t", {"n": 1})).hit
        await clock.pass_(6)
        assert not (await store.tools.check("t", {"n": 1})).hit
        assert (await store.tools.check("t", {"n": 2})).hit
        await clock.pass_(9)
        assert not (await store.tools.check("t", {"n": 2})).hit
        last = await store.tools.check("t", {"n": 3})
        assert last.hit and last.ttl is None
        assert last.age is not None and last.age >= clock.span(21)

    @pytest.mark.parametrize(
        "args",
        [float("nan"), {"a": float("inf")}, {1: 2}, object(), {"a": datetime(2026, 6, 1)}],  # noqa: DTZ001 - what is refused
    )
    async def test_arguments_that_cannot_be_are_refused(
        self, store: AsyncStore, args: object
    ) -> None:
        for call in (
            lambda: store.tools.check("t", args),
            lambda: store.tools.store("t", args, 1),
            lambda: store.tools.invalidate("t", args),
        ):
            with pytest.raises(UsageError, match="args"):
                await call()

    async def test_what_cannot_be_stored_is_refused(self, make_store: MakeStore) -> None:
        tools = make_store(limits=Limits(value=1_000)).tools
        for wrong in (object(), float("nan"), {1: 2}):
            with pytest.raises(UsageError, match="the result"):
                await tools.store("t", ARGS, wrong)
        with pytest.raises(TooLarge):
            await tools.store("t", ARGS, "x" * 1_000)
        for name in ("", "x" * 513, "\ud83d", None, b"t", 7):
            with pytest.raises(UsageError, match="tool name"):
                await tools.store(name, ARGS, 1)  # pyright: ignore[reportArgumentType] - what is refused
            with pytest.raises(UsageError, match="tool name"):
                await tools.invalidate_tool(name)  # pyright: ignore[reportArgumentType] - what is refused
        for options in ({"ttl": 0}, {"ttl": -1}, {"ttl": "60"}, {"cost": -1}, {"cost": "1"}):
            with pytest.raises(UsageError):
                await tools.store("t", ARGS, 1, **options)  # pyright: ignore[reportArgumentType] - what is refused
        assert not (await tools.check("t", ARGS)).hit

    async def test_an_error_is_not_kept(self, store: AsyncStore) -> None:
        errors: list[dict[str, Any]] = [
            {"isError": True},
            {"is_error": True, "content": []},
            {"error": "no"},
        ]
        for error in errors:
            assert await store.tools.store("t", ARGS, error) is None
        assert not (await store.tools.check("t", ARGS)).hit
        assert await store.tools.store("t", ARGS, {"error": None, "isError": False}) is not None

    async def test_one_trip(self, make_store: MakeStore, store: AsyncStore) -> None:
        trips = AsyncTrips(await store.ready())
        tools = make_store(engine=trips, caches=CacheOptions(flush_seconds=3_600)).tools
        await tools.store("t", ARGS, 1)
        assert trips.taken() == {"run": 2}  # the policies, once in 30 seconds
        for call in (
            lambda: tools.store("t", ARGS, 1),
            lambda: tools.store("t", ARGS, 1, ttl=60),
            lambda: tools.check("t", ARGS),
            lambda: tools.check("t", {}),
            lambda: tools.invalidate("t", ARGS),
            lambda: tools.invalidate("t", ARGS),
        ):
            await call()
            assert trips.taken() == {"run": 1}
