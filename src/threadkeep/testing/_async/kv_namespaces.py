"""Key-value namespaces, which never see each other's keys."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.ops.engine import Query
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.kv_reading import names, pages
from threadkeep.testing._async.names import INVALID, NAMES, PREFIXES
from threadkeep.testing._async.subject import AsyncSubject

SHORT = [name for name in NAMES if len(name.encode()) < 250]


@pytest.mark.anyio
class TestKvNamespaces:
    """A namespace named `acme` never sees a key of `acme:bob`, nor one of another tenant or kind."""

    async def test_namespaces_are_apart(self, store: AsyncStore) -> None:
        for number, name in enumerate(SHORT):
            kv = store.kv(name)
            assert await names(kv.keys()) == []
            await kv.set_many({"k": number, name: number, f"  {number}": number, " !": number})
        assert await names(store.kv_namespaces()) == sorted(SHORT)
        assert [n for page in await pages(store.kv_namespaces(limit=3)) for n in page] == sorted(
            SHORT
        )
        for number, name in enumerate(SHORT):
            kv = store.kv(name)
            expected = sorted({"k", name, f"  {number}", " !"})
            assert await names(kv.keys()) == expected
            assert {k: f.value for k, f in (await kv.get_many(expected)).items()} == dict.fromkeys(
                expected, number
            )
            assert (await kv.stats()).count == len(expected)
        for name in SHORT[::2]:
            assert await store.kv(name).delete_namespace() == (3 if name == "k" else 4)
        assert await names(store.kv_namespaces()) == sorted(SHORT[1::2])

    async def test_keys_are_apart(self, store: AsyncStore) -> None:
        kv = store.kv("n")
        keys = [name for name in NAMES if len(name.encode()) <= 509]
        await kv.set_many({name: number for number, name in enumerate(keys)})
        assert await names(kv.keys()) == sorted(keys)
        for number, name in enumerate(keys):
            one = await kv.get(name)
            assert one is not None and one.value == number
        for prefix in PREFIXES:
            if len(prefix.encode()) <= 509:
                assert await names(kv.keys(prefix)) == sorted(
                    k for k in keys if k.startswith(prefix)
                )
        assert await kv.delete(*keys[::2]) == len(keys[::2])
        assert await names(kv.keys()) == sorted(keys[1::2])

    @pytest.mark.parametrize("prefix", ["acme", "acme ", " ", "acme:", "%", "é"])
    async def test_namespaces_by_prefix(self, store: AsyncStore, prefix: str) -> None:
        for name in [*SHORT, "acme  x", "acme !x", " ! "]:
            await store.kv(name).set("k", 1)
        expected = sorted(n for n in [*SHORT, "acme  x", "acme !x", " ! "] if n.startswith(prefix))
        assert await names(store.kv_namespaces(prefix)) == expected
        assert [n for p in await pages(store.kv_namespaces(prefix, limit=1)) for n in p] == expected

    async def test_tenants_and_kinds_are_apart(
        self, store: AsyncStore, make_store: MakeStore, namespace: str
    ) -> None:
        there = make_store(namespace=f"{namespace}-b")
        await store.kv("n").set("k", "here")
        await there.kv("n").set("k", "there")
        await store.thread("n  k").state.set("value", "thread")
        await store.user("n  k").state.set("value", "user")
        one = await there.kv("n").get("k")
        assert one is not None and one.value == "there"
        assert await store.kv("n").delete_namespace() == 1
        assert await there.kv("n").has("k")
        assert await store.thread("n  k").state.get("value") == "thread"
        assert [t.id async for t in store.threads()] == ["n  k"]
        assert await names(store.kv_namespaces()) == []
        assert await names(there.kv_namespaces()) == ["n"]

    async def test_namespace_and_key_together_have_510_bytes(self, store: AsyncStore) -> None:
        for name, key in (
            ("n", "k" * 509),
            ("n" * 509, "k"),
            ("a b", "k" * 506),
            ("é" * 250, "k" * 10),
        ):
            await store.kv(name).set(key, 1)
            assert await names(store.kv(name).keys()) == [key]
            with pytest.raises(UsageError, match="limit"):
                await store.kv(name).set(key + "k", 1)
        for name in ("n" * 510, "a " * 200, "é" * 255):
            with pytest.raises(UsageError):
                store.kv(name)

    @pytest.mark.parametrize("name", INVALID, ids=lambda n: ascii(n)[:20])
    async def test_a_name_that_cannot_be_is_refused(self, store: AsyncStore, name: Any) -> None:
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
                await call()
        if name:
            with pytest.raises(UsageError):
                kv.keys(name)
            with pytest.raises(UsageError):
                store.kv_namespaces(name)
        assert await names(store.kv_namespaces()) == []

    async def test_defaults_alone_make_a_namespace(self, store: AsyncStore) -> None:
        await store.kv("n").set_defaults(ttl=60)
        await store.kv("m").set("k", 1)
        assert await names(store.kv_namespaces()) == ["m", "n"]
        assert await names(store.kv("n").keys()) == []
        assert await store.kv("n").delete_namespace() == 0
        assert await names(store.kv_namespaces()) == ["m"]
        assert (await store.kv("n").defaults()).lease is None

    async def test_a_namespace_whose_keys_are_gone_is_not_listed(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        await store.kv("deleted").set("k", 1)
        await store.kv("deleted").delete("k")
        await store.kv("ended").set("k", 1, ttl=clock.span(5))
        await store.kv("kept").set("k", 1)
        await clock.pass_(6)
        assert await names(store.kv_namespaces()) == ["kept"]

    async def test_deleting_a_large_one(self, store: AsyncStore) -> None:
        kv = store.kv("n")
        await kv.set_many({f"k{n:04}": n for n in range(1_203)})
        await store.kv("n2").set("k", 1)
        assert (await kv.stats()).count == 1_203
        assert len(await names(kv.keys())) == 1_203
        assert await kv.delete_namespace() == 1_203
        assert await kv.delete_namespace() == 0
        assert await names(store.kv_namespaces()) == ["n2"]
        assert await kv.set("k0001", 1) == 1

    async def test_a_listing_by_id_begins_after_an_id(self, subject: AsyncSubject) -> None:
        space = subject.ref.namespace
        for name in ("a", "b", "b1", "b2", "c"):
            await subject.other(name).put(a=b"1")
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
            page = await subject.engine.scan(query)
            assert [listed.ref.id for listed in page.items] == expected[:2]
            assert (page.cursor is None) == (len(expected) <= 2)
        with pytest.raises(UsageError):
            await subject.engine.scan(Query(namespace=space, kind="thread", after="a"))
