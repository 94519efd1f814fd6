"""Keys and values: what stands at a key, until when, and what a late writer meets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from threadkeep._async.kv import AsyncKv
from threadkeep._async.store import AsyncStore
from threadkeep.errors import CodecError, Conflict, TooLarge, UsageError
from threadkeep.model.kv import Found
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.model.options import Limits
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.kv_reading import found, names
from threadkeep.testing.tasks import AsyncTasks
from threadkeep.testing.trips import AsyncTrips

TYPES: list[tuple[Any, str]] = [
    ("text", "text/plain"),
    ("", "text/plain"),
    ("lone \ud83d", "text/plain"),
    ('{"a": 1}', "text/plain"),
    (b"\x00\xff", "application/octet-stream"),
    (b"", "application/octet-stream"),
    (7, "application/json"),
    (None, "application/json"),
    (False, "application/json"),
    ({"a": [1, "b"]}, "application/json"),
    (datetime(2026, 6, 1, tzinfo=UTC), "application/json"),
    (("a", 1), "application/json"),
]


class Archive(msgspec.Struct):
    """A typed value."""

    messages: list[str]


@pytest.fixture
def kv(store: AsyncStore) -> AsyncKv:
    """Return a namespace that holds nothing yet."""
    return store.kv("archives")


@pytest.mark.anyio
class TestKv:
    """Each key is a unit of atomicity with a lease of its own."""

    @pytest.mark.parametrize(("value", "content_type"), TYPES)
    async def test_values_keep_their_type(self, kv: AsyncKv, value: Any, content_type: str) -> None:
        await kv.set("k", value)
        one = await found(kv, "k")
        assert (one.value, type(one.value)) == (value, type(value))
        assert (one.key, one.content_type) == ("k", content_type)
        assert (one.lease, one.expires_at) == (FOREVER, None)

    async def test_a_content_type_goes_with_its_value(self, kv: AsyncKv) -> None:
        await kv.set("k", b"%PDF", content_type="application/pdf")
        one = await found(kv, "k")
        assert (one.value, one.content_type) == (b"%PDF", "application/pdf")
        await kv.set("k", '{"a": 1}', content_type="application/json")
        one = await found(kv, "k")
        assert (one.value, one.content_type) == ('{"a": 1}', "application/json")
        await kv.set("k", "plain")
        assert (await found(kv, "k")).content_type == "text/plain"
        for wrong in ("", "a\nb", "a" * 256, b"text/plain"):
            with pytest.raises(UsageError):
                await kv.set("k", 1, content_type=wrong)  # pyright: ignore[reportArgumentType] - what is refused
        assert (await found(kv, "k")).value == "plain"

    async def test_set_get_has_delete(self, kv: AsyncKv) -> None:
        assert await kv.get("k") is None
        assert not await kv.has("k")
        assert await kv.set("k", 1) == 1
        assert await kv.set("k", 2) == 2
        assert (await found(kv, "k")).revision == 2
        assert await kv.has("k")
        assert await kv.delete("k") == 1
        assert await kv.delete("k") == 0
        assert await kv.get("k") is None
        assert not await kv.has("k")

    async def test_several_keys(self, kv: AsyncKv) -> None:
        written = await kv.set_many({f"k{n}": n for n in range(100)}, content_type="text/x")
        assert written == {f"k{n}": 1 for n in range(100)}
        asked = ["k7", "none", "k3", "k99"]
        several = await kv.get_many(asked)
        assert [(k, f.value, f.content_type) for k, f in several.items()] == [
            ("k7", 7, "text/x"),
            ("k3", 3, "text/x"),
            ("k99", 99, "text/x"),
        ]
        assert await kv.delete("k1", "none", "k2", "k1") == 2
        assert (await kv.stats()).count == 98
        assert await kv.set_many({}) == await kv.get_many([]) == {}
        with pytest.raises(UsageError):
            await kv.get_many("k7")

    async def test_of_several_nothing_is_written_when_one_cannot_be(
        self, make_store: MakeStore
    ) -> None:
        kv = make_store(limits=Limits(value=1_000)).kv("n")
        with pytest.raises(TooLarge):
            await kv.set_many({"a": 1, "b": "x" * 1_001})
        with pytest.raises(UsageError):
            await kv.set_many({"a": 1, "b": object()})
        with pytest.raises(UsageError):
            await kv.set_many({"a": 1, "b\n": 1})
        assert (await kv.stats()).count == 0

    async def test_typed_values(self, kv: AsyncKv) -> None:
        await kv.set("k", Archive(["a"]))
        assert (await found(kv, "k", type=Archive)).value == Archive(["a"])
        assert (await found(kv, "k")).value == {"messages": ["a"]}
        assert (await kv.get_many(["k"], type=Archive))["k"].value == Archive(["a"])
        with pytest.raises(CodecError, match="key 'k'"):
            await kv.get("k", type=int)

    async def test_conditions(self, kv: AsyncKv) -> None:
        with pytest.raises(Conflict) as refused:
            await kv.set("k", 1, if_revision=1)
        assert refused.value.found is None
        assert await kv.set("k", 1, if_absent=True) == 1
        for condition in ({"if_absent": True}, {"if_revision": 0}, {"if_revision": 7}):
            with pytest.raises(Conflict) as refused:
                await kv.set("k", 9, **condition)  # pyright: ignore[reportArgumentType] - of two types
            assert isinstance(refused.value.found, Found)
            assert (refused.value.found.value, refused.value.found.revision) == (1, 1)
        assert await kv.set("k", 2, if_revision=1) == 2
        assert (await found(kv, "k")).value == 2
        for wrong in (
            {"if_revision": -1},
            {"if_revision": True},
            {"if_absent": True, "if_revision": 1},
        ):
            with pytest.raises(UsageError):
                await kv.set("k", 9, **wrong)  # pyright: ignore[reportArgumentType] - what is refused

    async def test_a_late_condition_does_not_meet_what_was_written_anew(self, kv: AsyncKv) -> None:
        seen = await kv.set("k", "old")
        await kv.delete("k")
        with pytest.raises(Conflict):
            await kv.set("k", "late", if_revision=seen)
        await kv.set("k", "new")
        with pytest.raises(Conflict):
            await kv.set("k", "late", if_revision=seen)
        assert (await found(kv, "k")).value == "new"

    async def test_of_concurrent_firsts_one_stands(self, store: AsyncStore) -> None:
        async def first(number: int) -> int:
            return await store.kv("n").set("k", number, if_absent=True)

        outcomes = await AsyncTasks.outcomes(*[lambda n=n: first(n) for n in range(8)])
        assert sum(isinstance(one, Conflict) for one in outcomes) == 7
        assert outcomes[(await found(store.kv("n"), "k")).value] == 1

    async def test_a_value_ends_after_its_ttl_and_a_read_renews_it(
        self, kv: AsyncKv, clock: AsyncClock
    ) -> None:
        await kv.set("short", 1, ttl=clock.span(10))
        await kv.set("read", 1, ttl=clock.span(10))
        await kv.set("touched", 1, ttl=timedelta(seconds=clock.span(10)))
        await kv.set("looked", 1, ttl=clock.span(10))
        await kv.set("kept", 1)
        one = await found(kv, "short", renew=False)
        assert one.lease == Sliding(clock.span(10))
        assert one.expires_at is not None
        await clock.pass_(6)
        await kv.get("read")
        assert await kv.touch("touched")
        await kv.get("looked", renew=False)
        assert await kv.has("looked")
        await clock.pass_(6)
        for key in ("short", "looked"):
            assert await kv.get(key) is None
            assert not await kv.has(key)
            assert not await kv.touch(key)
        assert set(await kv.get_many(["short", "read", "touched", "kept"])) == {
            "read",
            "touched",
            "kept",
        }
        assert await names(kv.keys()) == ["kept", "read", "touched"]
        assert (await kv.stats()).count == 3
        assert await kv.delete("short") == 0

    async def test_a_fixed_end_is_never_renewed(self, kv: AsyncKv, clock: AsyncClock) -> None:
        end = clock.after(10)
        await kv.set("k", 1, expires_at=end)
        await clock.pass_(6)
        assert (await found(kv, "k")).expires_at == end
        assert await kv.touch("k")
        await clock.pass_(6)
        assert await kv.get("k") is None

    async def test_a_condition_sees_that_a_value_has_run_out(
        self, kv: AsyncKv, clock: AsyncClock
    ) -> None:
        seen = await kv.set("k", 1, ttl=clock.span(5))
        await clock.pass_(6)
        with pytest.raises(Conflict) as refused:
            await kv.set("k", 2, if_revision=seen)
        assert refused.value.found is None
        await kv.set("k", 3, if_absent=True)
        assert (await found(kv, "k")).value == 3

    @pytest.mark.parametrize(
        "wrong",
        [
            {"ttl": 0},
            {"ttl": -1},
            {"ttl": float("nan")},
            {"ttl": "60"},
            {"expires_at": datetime(2026, 6, 1)},  # noqa: DTZ001 - what is refused
            {"ttl": 1, "expires_at": datetime(2026, 6, 1, tzinfo=UTC)},
        ],
    )
    async def test_a_lease_that_cannot_be_is_refused(self, kv: AsyncKv, wrong: Any) -> None:
        with pytest.raises(UsageError):
            await kv.set("k", 1, **wrong)
        with pytest.raises(UsageError):
            await kv.set_many({"k": 1}, **wrong)
        assert await kv.get("k") is None

    async def test_one_trip(self, make_store: MakeStore, store: AsyncStore) -> None:
        trips = AsyncTrips(await store.ready())
        kv = make_store(engine=trips).kv("n")
        await kv.set("k", 1)
        assert trips.taken() == {"run": 2}  # the defaults of the namespace, once in 30 seconds
        for call in (
            lambda: kv.set("k", 2),
            lambda: kv.set("k", 2, if_revision=2),
            lambda: kv.get("k"),
            lambda: kv.get("none"),
            lambda: kv.has("k"),
            lambda: kv.touch("k"),
            lambda: kv.delete("k"),
        ):
            await call()
            assert trips.taken() == {"run": 1}
        await kv.set("k", 1)
        trips.taken()
        with pytest.raises(Conflict):
            await kv.set("k", 2, if_absent=True)
        assert trips.taken() == {"run": 1}
