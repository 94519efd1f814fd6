# Generated from src/threadkeep/testing/_async/kv_defaults.py by scripts/unasync. Do not edit.
"""What holds for a key-value namespace as a whole."""

from __future__ import annotations

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.model.kv import KvDefaults
from threadkeep.model.leases import FOREVER, Lease, Sliding
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.kv_reading import found, names


class TestKvDefaults:
    """What holds for a namespace is stored; the call comes before it, the store's own default after."""

    def test_the_default_ttl(self, store: Store, make_store: MakeStore, clock: Clock) -> None:
        kv = store.kv("n")
        assert kv.defaults() == KvDefaults()
        kv.set("before", 1)
        kv.set_defaults(ttl=clock.span(10))
        assert kv.defaults() == KvDefaults(Sliding(clock.span(10)))
        other = make_store().kv("n")
        kv.set("default", 1)
        other.set("elsewhere", 1)
        kv.set("own", 1, ttl=clock.span(100))
        kv.set("forever", 1, ttl=FOREVER)
        kv.set_many({"many": 1})
        store.kv("n2").set("default", 1)
        clock.pass_(11)
        assert names(kv.keys()) == ["before", "forever", "own"]
        assert store.kv("n2").has("default")

    def test_a_namespace_that_does_not_slide(
        self, store: Store, make_store: MakeStore, clock: Clock
    ) -> None:
        store.kv("n").set_defaults(ttl=clock.span(10), sliding=False)
        kv = make_store().kv("n")
        for key in ("default", "touched", "renewed"):
            kv.set(key, 1)
        kv.set("own", 1, ttl=clock.span(10))
        clock.pass_(6)
        assert len(kv.get_many(["default", "own", "touched"])) == 3
        kv.get("default")
        kv.touch("touched")
        kv.get("renewed", renew=True)
        clock.pass_(6)
        assert names(kv.keys()) == ["renewed", "touched"]

    def test_the_defaults_of_the_store_come_last(self, make_store: MakeStore, clock: Clock) -> None:
        store = make_store(ttl={"kv": clock.span(100)})
        assert (store.kv("n").set("k", 1)) == 1
        assert (found(store.kv("n"), "k")).lease == Sliding(clock.span(100))
        store.kv("n").set_defaults(ttl=FOREVER)
        store.kv("n").set("k", 1)
        assert (found(store.kv("n"), "k")).lease == FOREVER
        store.kv("n").set_defaults(sliding=False)
        store.kv("n").set("k", 1)
        assert (found(store.kv("n"), "k")).lease == Sliding(clock.span(100))

    def test_another_process_sees_them_within_30_seconds(
        self, store: Store, make_store: MakeStore
    ) -> None:
        other = make_store()
        now = 1_000.0
        other.kv_defaults.clock = lambda: now
        kv = other.kv("n")
        assert kv.defaults() == KvDefaults()
        store.kv("n").set_defaults(ttl=60)
        assert store.kv("n").defaults() == KvDefaults(Sliding(60))
        now += 29
        assert kv.defaults() == KvDefaults()
        now += 2
        assert kv.defaults() == KvDefaults(Sliding(60))
        store.kv("n").set_defaults(ttl=70)
        kv.refresh()
        assert kv.defaults() == KvDefaults(Sliding(70))

    def test_what_cannot_be_a_default_is_refused(self, store: Store) -> None:
        kv = store.kv("n")
        for wrong in ({"ttl": 0}, {"ttl": "1"}, {"ttl": Lease(end=1)}, {"sliding": 1}):
            with pytest.raises(UsageError):
                kv.set_defaults(**wrong)  # pyright: ignore[reportArgumentType] - what is refused
        assert [name for name in store.kv_namespaces()] == []
