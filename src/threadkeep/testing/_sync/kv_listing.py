# Generated from src/threadkeep/testing/_async/kv_listing.py by scripts/unasync. Do not edit.
"""Keys in order and in pages, searches, sums."""

from __future__ import annotations

import pytest

from threadkeep._sync.kv import Kv
from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.model.kv import KvStats
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.kv_reading import names, pages
from threadkeep.testing.trips import Trips


class TestKvListing:
    """A page costs the same wherever it is, and every key that stands comes exactly once."""

    @pytest.fixture
    def kv(self, store: Store) -> Kv:
        kv = store.kv("archives")
        kv.set_defaults(ttl=3600)
        kv.set_many({f"{user}:{n}": n for user in ("ada", "Bob", "eve") for n in range(4)})
        return kv

    def test_keys_are_in_order(self, kv: Kv) -> None:
        expected = sorted(f"{user}:{n}" for user in ("ada", "Bob", "eve") for n in range(4))
        assert names(kv.keys()) == expected
        assert names(kv.keys("ada:")) == [f"ada:{n}" for n in range(4)]
        assert names(kv.keys("ada:", limit=3)) == [f"ada:{n}" for n in range(3)]
        assert names(kv.keys("")) == expected
        assert names(kv.keys("zoe")) == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 11, 12, 13])
    def test_pages_make_up_the_listing(self, kv: Kv, limit: int) -> None:
        for prefix in (None, "ada"):
            found = pages(kv.keys(prefix, limit=limit))
            assert all(len(page) <= limit for page in found)
            assert [key for page in found for key in page] == names(kv.keys(prefix))
            first = kv.keys(prefix, limit=limit).page()
            if first.cursor is not None:
                rest = names(kv.keys(prefix, cursor=first.cursor))
                assert [*first.items, *rest] == names(kv.keys(prefix))

    def test_writes_between_pages(self, kv: Kv) -> None:
        stable = names(kv.keys())
        listing, seen, cursor = kv.keys(limit=2), list[str](), None
        for number in range(20):
            page = listing.page(cursor)
            seen += page.items
            cursor = page.cursor
            if cursor is None:
                break
            kv.set(f"ada:{number}x", 1)
            kv.set(stable[number % len(stable)], "again")
            kv.delete(seen[-1])
        assert [key for key in seen if not key.endswith("x")] == stable
        assert len(set(seen)) == len(seen)

    def test_a_cursor_belongs_to_its_listing(self, store: Store, kv: Kv) -> None:
        cursor = (kv.keys(limit=2).page()).cursor
        assert cursor is not None
        for wrong in ("nonsense", "", "é", cursor[:-3], cursor + "AAAA"):
            with pytest.raises(UsageError):
                kv.keys().page(wrong)
        for listing in (
            kv.keys("ada"),
            kv.search("ada"),
            store.kv("n").keys(),
            store.kv_namespaces(),
        ):
            with pytest.raises(UsageError):
                listing.page(cursor)
        for limit in (0, -1, 1.5, "3", True, 10_001):
            with pytest.raises(UsageError):
                kv.keys(limit=limit)  # pyright: ignore[reportArgumentType] - what is refused

    def test_a_page_is_one_trip(self, make_store: MakeStore, store: Store) -> None:
        trips = Trips(store.ready())
        kv = make_store(engine=trips).kv("n")
        kv.set_many({f"k{n:02}": n for n in range(50)})
        make_store().kv("o").set("k", 1)
        trips.taken()
        page = kv.keys(limit=10).page()
        assert trips.taken() == {"scan": 1}
        kv.keys("k3", limit=10).page(None)
        assert trips.taken() == {"scan": 1}
        kv.keys(limit=10).page(page.cursor)
        assert trips.taken() == {"scan": 1}
        kv.stats()
        assert trips.taken() == {"scan": 1}
        assert len(names(kv.search("k1"))) == 10
        assert trips.taken() == {"scan": 1, "run": 10}
        assert names(make_store(engine=trips).kv_namespaces()) == ["n", "o"]
        assert trips.taken() == {"scan": 3}

    def test_search(self, kv: Kv, clock: Clock) -> None:
        clock.pass_(1)
        kv.set("Straße", {"city": "SOFIA", "stops": ["Varna"]}, content_type="text/x")
        kv.set("bytes", b"sofia")
        kv.set("text", "To sofia and back")
        assert [m.key for m in kv.search("BOB")] == [f"Bob:{n}" for n in range(4)]
        assert [m.key for m in kv.search("STRASSE")] == ["Straße"]
        assert [m.key for m in kv.search("sofia")] == []
        assert [m.key for m in kv.search("sofia", values=True)] == ["Straße", "text"]
        assert [m.key for m in kv.search("varna", values=True)] == ["Straße"]
        assert [m.key for m in kv.search("city", values=True)] == ["Straße"]
        (match,) = (kv.search("straße").page()).items
        assert (match.value["city"], match.content_type) == ("SOFIA", "text/x")
        assert match.created_at == match.updated_at
        clock.pass_(1)
        kv.set("Straße", 1)
        (match,) = (kv.search("straße").page()).items
        assert match.updated_at > match.created_at
        for limit in (1, 3, 4):
            found = pages(kv.search(":", limit=limit))
            assert [m.key for page in found for m in page] == [
                key for key in names(kv.keys()) if ":" in key
            ]
        for wrong in ("", "\n", 7):
            with pytest.raises(UsageError):
                kv.search(wrong)  # pyright: ignore[reportArgumentType] - what is refused

    def test_stats(self, store: Store, clock: Clock) -> None:
        kv = store.kv("n")
        assert kv.stats() == KvStats(0, 0, None, None)
        kv.set_defaults(ttl=3600)
        assert kv.stats() == KvStats(0, 0, None, None)
        kv.set("a", "x" * 100)
        clock.pass_(1)
        kv.set("b", b"y" * 1_000, content_type="image/png")
        stats = kv.stats()
        one, two = kv.get("a"), kv.get("b")
        assert one is not None and two is not None
        assert (stats.count, stats.bytes) == (2, one.bytes + two.bytes)
        assert 1_100 <= stats.bytes <= 1_110
        assert stats.first_used_at is not None and stats.last_used_at is not None
        assert stats.first_used_at < stats.last_used_at
        kv.delete("b")
        stats = kv.stats()
        assert (stats.count, stats.bytes) == (1, one.bytes)
        assert stats.first_used_at == stats.last_used_at
