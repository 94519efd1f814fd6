"""Keys in order and in pages, searches, sums."""

from __future__ import annotations

import pytest

from threadkeep._async.kv import AsyncKv
from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.model.kv import KvStats
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.kv_reading import names, pages
from threadkeep.testing.trips import AsyncTrips


@pytest.mark.anyio
class TestKvListing:
    """A page costs the same wherever it is, and every key that stands comes exactly once."""

    @pytest.fixture
    async def kv(self, store: AsyncStore) -> AsyncKv:
        kv = store.kv("archives")
        await kv.set_defaults(ttl=3600)
        await kv.set_many({f"{user}:{n}": n for user in ("ada", "Bob", "eve") for n in range(4)})
        return kv

    async def test_keys_are_in_order(self, kv: AsyncKv) -> None:
        expected = sorted(f"{user}:{n}" for user in ("ada", "Bob", "eve") for n in range(4))
        assert await names(kv.keys()) == expected
        assert await names(kv.keys("ada:")) == [f"ada:{n}" for n in range(4)]
        assert await names(kv.keys("ada:", limit=3)) == [f"ada:{n}" for n in range(3)]
        assert await names(kv.keys("")) == expected
        assert await names(kv.keys("zoe")) == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 11, 12, 13])
    async def test_pages_make_up_the_listing(self, kv: AsyncKv, limit: int) -> None:
        for prefix in (None, "ada"):
            found = await pages(kv.keys(prefix, limit=limit))
            assert all(len(page) <= limit for page in found)
            assert [key for page in found for key in page] == await names(kv.keys(prefix))
            first = await kv.keys(prefix, limit=limit).page()
            if first.cursor is not None:
                rest = await names(kv.keys(prefix, cursor=first.cursor))
                assert [*first.items, *rest] == await names(kv.keys(prefix))

    async def test_writes_between_pages(self, kv: AsyncKv) -> None:
        stable = await names(kv.keys())
        listing, seen, cursor = kv.keys(limit=2), list[str](), None
        for number in range(20):
            page = await listing.page(cursor)
            seen += page.items
            cursor = page.cursor
            if cursor is None:
                break
            await kv.set(f"ada:{number}x", 1)
            await kv.set(stable[number % len(stable)], "again")
            await kv.delete(seen[-1])
        assert [key for key in seen if not key.endswith("x")] == stable
        assert len(set(seen)) == len(seen)

    async def test_a_cursor_belongs_to_its_listing(self, store: AsyncStore, kv: AsyncKv) -> None:
        cursor = (await kv.keys(limit=2).page()).cursor
        assert cursor is not None
        for wrong in ("nonsense", "", "é", cursor[:-3], cursor + "AAAA"):
            with pytest.raises(UsageError):
                await kv.keys().page(wrong)
        for listing in (
            kv.keys("ada"),
            kv.search("ada"),
            store.kv("n").keys(),
            store.kv_namespaces(),
        ):
            with pytest.raises(UsageError):
                await listing.page(cursor)
        for limit in (0, -1, 1.5, "3", True, 10_001):
            with pytest.raises(UsageError):
                kv.keys(limit=limit)  # pyright: ignore[reportArgumentType] - what is refused

    async def test_a_page_is_one_trip(self, make_store: MakeStore, store: AsyncStore) -> None:
        trips = AsyncTrips(await store.ready())
        kv = make_store(engine=trips).kv("n")
        await kv.set_many({f"k{n:02}": n for n in range(50)})
        await make_store().kv("o").set("k", 1)
        trips.taken()
        page = await kv.keys(limit=10).page()
        assert trips.taken() == {"scan": 1}
        await kv.keys("k3", limit=10).page(None)
        assert trips.taken() == {"scan": 1}
        await kv.keys(limit=10).page(page.cursor)
        assert trips.taken() == {"scan": 1}
        await kv.stats()
        assert trips.taken() == {"scan": 1}
        assert len(await names(kv.search("k1"))) == 10
        assert trips.taken() == {"scan": 1, "run": 10}
        assert await names(make_store(engine=trips).kv_namespaces()) == ["n", "o"]
        assert trips.taken() == {"scan": 3}

    async def test_search(self, kv: AsyncKv, clock: AsyncClock) -> None:
        await clock.pass_(1)
        await kv.set("Straße", {"city": "SOFIA", "stops": ["Varna"]}, content_type="text/x")
        await kv.set("bytes", b"sofia")
        await kv.set("text", "To sofia and back")
        assert [m.key async for m in kv.search("BOB")] == [f"Bob:{n}" for n in range(4)]
        assert [m.key async for m in kv.search("STRASSE")] == ["Straße"]
        assert [m.key async for m in kv.search("sofia")] == []
        assert [m.key async for m in kv.search("sofia", values=True)] == ["Straße", "text"]
        assert [m.key async for m in kv.search("varna", values=True)] == ["Straße"]
        assert [m.key async for m in kv.search("city", values=True)] == ["Straße"]
        (match,) = (await kv.search("straße").page()).items
        assert (match.value["city"], match.content_type) == ("SOFIA", "text/x")
        assert match.created_at == match.updated_at
        await clock.pass_(1)
        await kv.set("Straße", 1)
        (match,) = (await kv.search("straße").page()).items
        assert match.updated_at > match.created_at
        for limit in (1, 3, 4):
            found = await pages(kv.search(":", limit=limit))
            assert [m.key for page in found for m in page] == [
                key for key in await names(kv.keys()) if ":" in key
            ]
        for wrong in ("", "\n", 7):
            with pytest.raises(UsageError):
                kv.search(wrong)  # pyright: ignore[reportArgumentType] - what is refused

    async def test_stats(self, store: AsyncStore, clock: AsyncClock) -> None:
        kv = store.kv("n")
        assert await kv.stats() == KvStats(0, 0, None, None)
        await kv.set_defaults(ttl=3600)
        assert await kv.stats() == KvStats(0, 0, None, None)
        await kv.set("a", "x" * 100)
        await clock.pass_(1)
        await kv.set("b", b"y" * 1_000, content_type="image/png")
        stats = await kv.stats()
        one, two = await kv.get("a"), await kv.get("b")
        assert one is not None and two is not None
        assert (stats.count, stats.bytes) == (2, one.bytes + two.bytes)
        assert 1_100 <= stats.bytes <= 1_110
        assert stats.first_used_at is not None and stats.last_used_at is not None
        assert stats.first_used_at < stats.last_used_at
        await kv.delete("b")
        stats = await kv.stats()
        assert (stats.count, stats.bytes) == (1, one.bytes)
        assert stats.first_used_at == stats.last_used_at
