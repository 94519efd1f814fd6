# Generated from src/threadkeep/testing/_async/kv_namespaces.py by scripts/unasync. Do not edit.
"""Key-value namespaces, which never see each other's keys."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.ops.engine import Query
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.kv_reading import names, pages
from threadkeep.testing._sync.names import INVALID, NAMES, PREFIXES
from threadkeep.testing._sync.subject import Subject

SHORT = [name for name in NAMES if len(name.encode()) < 250]


class TestKvNamespaces:
    """A namespace named `acme` never sees a key of `acme:bob`, nor one of another tenant or kind."""

    def test_namespaces_are_apart(self, store: Store) -> None:
        for number, name in enumerate(SHORT):
            kv = store.kv(name)
            assert names(kv.keys()) == []
            kv.set_many({"k": number, name: number, f"  {number}": number, " !": number})
        assert names(store.kv_namespaces()) == sorted(SHORT)
        assert [n for page in pages(store.kv_namespaces(limit=3)) for n in page] == sorted(SHORT)
        for number, name in enumerate(SHORT):
            kv = store.kv(name)
            expected = sorted({"k", name, f"  {number}", " !"})
            assert names(kv.keys()) == expected
            assert {k: f.value for k, f in (kv.get_many(expected)).items()} == dict.fromkeys(
                expected, number
            )
            assert (kv.stats()).count == len(expected)
        for name in SHORT[::2]:
            assert store.kv(name).delete_namespace() == (3 if name == "k" else 4)
        assert names(store.kv_namespaces()) == sorted(SHORT[1::2])

    def test_keys_are_apart(self, store: Store) -> None:
        kv = store.kv("n")
        keys = [name for name in NAMES if len(name.encode()) <= 509]
        kv.set_many({name: number for number, name in enumerate(keys)})
        assert names(kv.keys()) == sorted(keys)
        for number, name in enumerate(keys):
            one = kv.get(name)
            assert one is not None and one.value == number
        for prefix in PREFIXES:
            if len(prefix.encode()) <= 509:
                assert names(kv.keys(prefix)) == sorted(k for k in keys if k.startswith(prefix))
        assert kv.delete(*keys[::2]) == len(keys[::2])
        assert names(kv.keys()) == sorted(keys[1::2])

    @pytest.mark.parametrize("prefix", ["acme", "acme ", " ", "acme:", "%", "é"])
    def test_namespaces_by_prefix(self, store: Store, prefix: str) -> None:
        for name in [*SHORT, "acme  x", "acme !x", " ! "]:
            store.kv(name).set("k", 1)
        expected = sorted(n for n in [*SHORT, "acme  x", "acme !x", " ! "] if n.startswith(prefix))
        assert names(store.kv_namespaces(prefix)) == expected
        assert [n for p in pages(store.kv_namespaces(prefix, limit=1)) for n in p] == expected

    def test_tenants_and_kinds_are_apart(
        self, store: Store, make_store: MakeStore, namespace: str
    ) -> None:
        there = make_store(namespace=f"{namespace}-b")
        store.kv("n").set("k", "here")
        there.kv("n").set("k", "there")
        store.thread("n  k").state.set("value", "thread")
        store.user("n  k").state.set("value", "user")
        one = there.kv("n").get("k")
        assert one is not None and one.value == "there"
        assert store.kv("n").delete_namespace() == 1
        assert there.kv("n").has("k")
        assert store.thread("n  k").state.get("value") == "thread"
        assert [t.id for t in store.threads()] == ["n  k"]
        assert names(store.kv_namespaces()) == []
        assert names(there.kv_namespaces()) == ["n"]

    def test_namespace_and_key_together_have_510_bytes(self, store: Store) -> None:
        for name, key in (
            ("n", "k" * 509),
            ("n" * 509, "k"),
            ("a b", "k" * 506),
            ("é" * 250, "k" * 10),
        ):
            store.kv(name).set(key, 1)
            assert names(store.kv(name).keys()) == [key]
            with pytest.raises(UsageError, match="limit"):
                store.kv(name).set(key + "k", 1)
        for name in ("n" * 510, "a " * 200, "é" * 255):
            with pytest.raises(UsageError):
                store.kv(name)

    @pytest.mark.parametrize("name", INVALID, ids=lambda n: ascii(n)[:20])
    def test_a_name_that_cannot_be_is_refused(self, store: Store, name: Any) -> None:
        with pytest.raises(UsageError):
            store.kv(name)
        kv = store.kv("n")
        for call in (
            lambda: kv.set(name, 1),
            lambda: kv.set_many({"ok": 1, name: 1}),
            lambda: kv.get(name),
            lambda: kv.get_many([name]),
            lambda: kv.has(name),
            lambda: kv.touch(name),
            lambda: kv.delete("ok", name),
        ):
            with pytest.raises(UsageError):
                call()
        if name:
            with pytest.raises(UsageError):
                kv.keys(name)
            with pytest.raises(UsageError):
                store.kv_namespaces(name)
        assert names(store.kv_namespaces()) == []

    def test_defaults_alone_make_a_namespace(self, store: Store) -> None:
        store.kv("n").set_defaults(ttl=60)
        store.kv("m").set("k", 1)
        assert names(store.kv_namespaces()) == ["m", "n"]
        assert names(store.kv("n").keys()) == []
        assert store.kv("n").delete_namespace() == 0
        assert names(store.kv_namespaces()) == ["m"]
        assert (store.kv("n").defaults()).lease is None

    def test_a_namespace_whose_keys_are_gone_is_not_listed(
        self, store: Store, clock: Clock
    ) -> None:
        store.kv("deleted").set("k", 1)
        store.kv("deleted").delete("k")
        store.kv("ended").set("k", 1, ttl=clock.span(5))
        store.kv("kept").set("k", 1)
        clock.pass_(6)
        assert names(store.kv_namespaces()) == ["kept"]

    def test_deleting_a_large_one(self, store: Store) -> None:
        kv = store.kv("n")
        kv.set_many({f"k{n:04}": n for n in range(1_203)})
        store.kv("n2").set("k", 1)
        assert (kv.stats()).count == 1_203
        assert len(names(kv.keys())) == 1_203
        assert kv.delete_namespace() == 1_203
        assert kv.delete_namespace() == 0
        assert names(store.kv_namespaces()) == ["n2"]
        assert kv.set("k0001", 1) == 1

    def test_a_listing_by_id_begins_after_an_id(self, subject: Subject) -> None:
        space = subject.ref.namespace
        for name in ("a", "b", "b1", "b2", "c"):
            subject.other(name).put(a=b"1")
        for after, prefix, expected in (
            ("a", None, ["b", "b1", "b2", "c"]),
            ("aa", None, ["b", "b1", "b2", "c"]),
            ("b1", "b", ["b2"]),
            ("a", "b", ["b", "b1", "b2"]),
            ("c", "b", []),
            ("c", None, []),
        ):
            query = Query(
                namespace=space, kind="thread", order="id", prefix=prefix, after=after, limit=2
            )
            page = subject.engine.scan(query)
            assert [listed.ref.id for listed in page.items] == expected[:2]
            assert (page.cursor is None) == (len(expected) <= 2)
        with pytest.raises(UsageError):
            subject.engine.scan(Query(namespace=space, kind="thread", after="a"))
