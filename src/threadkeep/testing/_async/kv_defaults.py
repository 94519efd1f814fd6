"""What holds for a key-value namespace as a whole."""

from __future__ import annotations

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.model.kv import KvDefaults
from threadkeep.model.leases import FOREVER, Lease, Sliding
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.kv_reading import found, names


@pytest.mark.anyio
class TestKvDefaults:
    """What holds for a namespace is stored; the call comes before it, the store's own default after."""

    async def test_the_default_ttl(
        self, store: AsyncStore, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        kv = store.kv("n")
        assert await kv.defaults() == KvDefaults()
        await kv.set("before", 1)
        await kv.set_defaults(ttl=clock.span(10))
        assert await kv.defaults() == KvDefaults(Sliding(clock.span(10)))
        other = make_store().kv("n")
        await kv.set("default", 1)
        await other.set("elsewhere", 1)
        await kv.set("own", 1, ttl=clock.span(100))
        await kv.set("forever", 1, ttl=FOREVER)
        await kv.set_many({"many": 1})
        await store.kv("n2").set("default", 1)
        await clock.pass_(11)
        assert await names(kv.keys()) == ["before", "forever", "own"]
        assert await store.kv("n2").has("default")

    async def test_a_namespace_that_does_not_slide(
        self, store: AsyncStore, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        await store.kv("n").set_defaults(ttl=clock.span(10), sliding=False)
        kv = make_store().kv("n")
        for key in ("default", "touched", "renewed"):
            await kv.set(key, 1)
        await kv.set("own", 1, ttl=clock.span(10))
        await clock.pass_(6)
        assert len(await kv.get_many(["default", "own", "touched"])) == 3
        await kv.get("default")
        await kv.touch("touched")
        await kv.get("renewed", renew=True)
        await clock.pass_(6)
        assert await names(kv.keys()) == ["renewed", "touched"]

    async def test_the_defaults_of_the_store_come_last(
        self, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        store = make_store(ttl={"kv": clock.span(100)})
        assert (await store.kv("n").set("k", 1)) == 1
        assert (await found(store.kv("n"), "k")).lease == Sliding(clock.span(100))
        await store.kv("n").set_defaults(ttl=FOREVER)
        await store.kv("n").set("k", 1)
        assert (await found(store.kv("n"), "k")).lease == FOREVER
        await store.kv("n").set_defaults(sliding=False)
        await store.kv("n").set("k", 1)
        assert (await found(store.kv("n"), "k")).lease == Sliding(clock.span(100))

    async def test_another_process_sees_them_within_30_seconds(
        self, store: AsyncStore, make_store: MakeStore
    ) -> None:
        other = make_store()
        now = 1_000.0
        other.kv_defaults.clock = lambda: now
        kv = other.kv("n")
        assert await kv.defaults() == KvDefaults()
        await store.kv("n").set_defaults(ttl=60)
        assert await store.kv("n").defaults() == KvDefaults(Sliding(60))
        now += 29
        assert await kv.defaults() == KvDefaults()
        now += 2
        assert await kv.defaults() == KvDefaults(Sliding(60))
        await store.kv("n").set_defaults(ttl=70)
        kv.refresh()
        assert await kv.defaults() == KvDefaults(Sliding(70))

    async def test_what_cannot_be_a_default_is_refused(self, store: AsyncStore) -> None:
        kv = store.kv("n")
        for wrong in ({"ttl": 0}, {"ttl": "1"}, {"ttl": Lease(end=1)}, {"sliding": 1}):
            with pytest.raises(UsageError):
                await kv.set_defaults(**wrong)  # pyright: ignore[reportArgumentType] - what is refused
        assert [name async for name in store.kv_namespaces()] == []
