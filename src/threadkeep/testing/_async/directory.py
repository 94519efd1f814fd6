"""The directory: what is known of a thread, labels, listings."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Gone, UsageError
from threadkeep.model.leases import FOREVER
from threadkeep.ops.engine import Query
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.subject import AsyncSubject
from threadkeep.testing.needs import needs


async def ids(store: AsyncStore, prefix: str | None = None, **labels: Any) -> list[str]:
    """Return the ids of a full listing."""
    return [t.id async for t in store.threads(prefix=prefix, **labels)]


@pytest.mark.anyio
class TestDirectory:
    """`info`, labels, `destroy`."""

    async def test_info(self, thread: AsyncThread, clock: AsyncClock) -> None:
        assert await thread.info() is None
        await thread.state.set("a", "x" * 50)
        first = await thread.info()
        await clock.pass_(1)
        await thread.messages.append("m" * 50, "n" * 50)
        await thread.snapshots.save("s")
        info = await thread.info()
        assert first is not None and info is not None
        assert (info.id, info.namespace) == ("subject", thread.namespace)
        assert (info.fields, info.items, info.messages) == (1, 3, 2)
        assert info.bytes > first.bytes >= 50
        assert (first.revision, info.revision) == (1, 3)
        assert first.epoch == info.epoch != ""
        assert first.created_at == info.created_at <= first.updated_at < info.updated_at
        assert abs((first.created_at - clock.now()).total_seconds()) < 60
        assert (info.labels, info.lease, info.expires_at) == ({}, FOREVER, None)

    async def test_reads_change_nothing_of_it(self, thread: AsyncThread, clock: AsyncClock) -> None:
        await thread.state.set("a", 1, ttl=clock.span(100))
        before = await thread.info()
        await clock.pass_(10)
        await thread.state.get_all()
        await thread.messages.list()
        await thread.state.touch()
        assert await thread.info() == before

    async def test_labels(self, thread: AsyncThread) -> None:
        assert await thread.set_labels(user="alice", model="large") == {
            "user": "alice",
            "model": "large",
        }
        assert await thread.set_labels(user="bob", model=None) == {"user": "bob"}
        assert await thread.set_labels(never=None) == {"user": "bob"}
        info = await thread.info()
        assert info is not None and info.labels == {"user": "bob"}

    async def test_a_label_alone_makes_a_thread(self, store: AsyncStore) -> None:
        await store.thread("t").set_labels(user="alice")
        assert await ids(store) == ["t"]
        assert await ids(store, user="alice") == ["t"]

    async def test_users_and_the_app_have_info_too(self, store: AsyncStore) -> None:
        for entity in (store.user("alice"), store.app()):
            assert await entity.info() is None
            await entity.state.set("a", 1)
            await entity.set_labels(plan="pro")
            info = await entity.info()
            assert info is not None and (info.id, info.fields) == (entity.id, 1)
        assert await ids(store) == []

    async def test_destroying_removes_everything_and_counts_it(self, store: AsyncStore) -> None:
        thread = store.thread("t")
        await thread.state.update({"a": 1, "b": 2})
        await thread.messages.append("1", "2", "3")
        await thread.snapshots.save("s")
        await thread.set_labels(user="alice")
        assert await store.thread("t").destroy() == 6
        new = store.thread("t")
        assert await new.info() is None
        assert await new.state.get_all() == {}
        assert await new.messages.list() == []
        assert await new.messages.count() == 0
        assert await new.snapshots.history() == []
        assert await ids(store) == await ids(store, user="alice") == []
        assert await store.thread("t").destroy() == 0

    async def test_a_new_thread_under_the_same_id_is_new(self, store: AsyncStore) -> None:
        old = store.thread("t")
        await old.state.set("a", 1)
        await old.messages.append("m")
        first = await old.info()
        await old.destroy()
        new = store.thread("t")
        assert (await new.messages.append("n")).seqs == (1,)
        info = await new.info()
        assert first is not None and info is not None
        assert (info.revision, info.fields, info.messages) == (1, 0, 1)
        assert info.epoch != first.epoch

    @pytest.mark.parametrize("reborn", [False, True])
    async def test_late_writers_get_gone(self, store: AsyncStore, reborn: bool) -> None:
        late, reader = store.thread("t"), store.thread("t")
        await late.state.set("a", 1)
        await reader.state.get("a")
        await store.thread("t").destroy()
        if reborn:
            await store.thread("t").state.set("new", 1)
        for handle in (late, reader):
            for write in (
                lambda t=handle: t.state.set("a", 2),
                lambda t=handle: t.state.increment("a"),
                lambda t=handle: t.state.delete("a"),
                lambda t=handle: t.messages.append("late"),
                lambda t=handle: t.snapshots.save("late"),
                lambda t=handle: t.set_labels(late="yes"),
                lambda t=handle: t.destroy(),
            ):
                with pytest.raises(Gone):
                    await write()
        assert await store.thread("t").state.get_all() == ({"new": 1} if reborn else {})
        assert await ids(store) == (["t"] if reborn else [])

    @needs("clock")
    async def test_the_tombstone_stands_for_24_hours(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        late = store.thread("t")
        await late.state.set("a", 1)
        await store.thread("t").destroy()
        for _ in range(2):
            clock.jump(12 * 3_600 - 1)
            await store.sweep()
            with pytest.raises(Gone):
                await late.state.set("a", 2)
        assert await store.thread("t").info() is None

    async def test_a_handle_that_has_met_nothing_may_begin(self, store: AsyncStore) -> None:
        early = store.thread("t")
        assert await early.state.get("a") is None
        await store.thread("t").state.set("a", 1)
        await early.state.set("b", 2)
        assert await store.thread("t").state.get_all() == {"a": 1, "b": 2}


@pytest.mark.anyio
class TestListing:
    """Newest first, by id, by labels; complete whatever is written meanwhile."""

    async def test_newest_first(self, store: AsyncStore, clock: AsyncClock) -> None:
        for name in ("a", "c", "b"):
            await store.thread(name).state.set("x", 1)
            await clock.pass_(0.1)
        assert await ids(store) == ["b", "c", "a"]
        await store.thread("a").messages.append("m")
        await clock.pass_(0.1)
        assert await ids(store) == ["a", "b", "c"]
        await store.thread("c").state.set("x", 2)
        assert await ids(store) == ["c", "a", "b"]

    async def test_what_only_reads_does_not_move(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        for name in ("a", "b"):
            await store.thread(name).state.set("x", 1, ttl=clock.span(50))
            await clock.pass_(5)
        await store.thread("a").state.get("x")
        await store.thread("a").state.touch()
        assert await ids(store) == ["b", "a"]

    async def test_what_is_listed_is_what_info_says(self, store: AsyncStore) -> None:
        await store.thread("t").set_labels(user="alice")
        await store.thread("t").state.set("a", 1)
        await store.thread("t").snapshots.save("s")
        (listed,) = [t async for t in store.threads()]
        info = await store.thread("t").info()
        assert info is not None and listed.messages is None
        for name in ("id", "namespace", "created_at", "updated_at", "revision", "epoch", "labels"):
            assert getattr(listed, name) == getattr(info, name)
        for name in ("lease", "expires_at", "fields", "items", "bytes"):
            assert getattr(listed, name) == getattr(info, name)

    async def test_by_prefix(self, store: AsyncStore) -> None:
        names = ["u1:a", "u1:b", "u1", "u10:a", "u2:a", "U1:c", "u1;", "ü1:d"]
        for name in names:
            await store.thread(name).state.set("x", 1)
        assert await ids(store, prefix="u1:") == ["u1:a", "u1:b"]
        assert await ids(store, prefix="u1") == ["u1", "u10:a", "u1:a", "u1:b", "u1;"]
        assert await ids(store, prefix="u1:a") == ["u1:a"]
        assert await ids(store, prefix="never") == []
        assert await ids(store, prefix="") == sorted(names)

    async def test_by_labels_all_of_which_must_be_equal(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        for number in range(8):
            await store.thread(f"t{number}").set_labels(
                user="alice" if number % 2 else "bob", tier=str(number % 3)
            )
            await clock.pass_(0.1)
        assert await ids(store, user="alice") == ["t7", "t5", "t3", "t1"]
        assert await ids(store, user="alice", tier="1") == ["t7", "t1"]
        assert await ids(store, tier="1", user="alice") == ["t7", "t1"]
        assert await ids(store, user="alice", tier="1", prefix="t") == ["t1", "t7"]
        assert await ids(store, user="alice", tier="7") == []
        assert await ids(store, user="alic") == await ids(store, user="Alice") == []
        listing = store.threads(labels={"user": "bob"}, tier="0")
        assert [t.id async for t in listing] == ["t6", "t0"]
        await store.thread("t7").set_labels(user="bob")
        await store.thread("t5").set_labels(user=None)
        await store.thread("t3").destroy()
        assert await ids(store, user="alice") == ["t1"]

    async def test_limit(self, store: AsyncStore) -> None:
        for number in range(5):
            await store.thread(f"t{number}").state.set("x", 1)
        for limit, count in ((1, 1), (3, 3), (5, 5), (9, 5)):
            assert len([t async for t in store.threads(limit=limit)]) == count
            assert len([t async for t in store.threads(limit=limit, prefix="t")]) == count
        for limit in (0, -1, 1.5, "3"):
            with pytest.raises(UsageError):
                store.threads(limit=limit)  # pyright: ignore[reportArgumentType] - what is refused

    async def test_kinds_and_namespaces_are_listed_apart(
        self, make_store: MakeStore, namespace: str
    ) -> None:
        here, there = make_store(), make_store(namespace=f"{namespace}-b")
        await here.thread("here").state.set("x", 1)
        await here.user("u").state.set("x", 1)
        await here.app().state.set("x", 1)
        await there.thread("there").set_labels(user="alice")
        assert await ids(here) == await ids(here, prefix="") == ["here"]
        assert await ids(there) == await ids(there, prefix="") == ["there"]
        assert await ids(here, user="alice") == []

    async def test_what_has_expired_is_not_listed(
        self, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        store = make_store(thread_ttl=clock.span(5))
        await store.thread("t").set_labels(user="alice")
        await make_store().thread("kept").set_labels(user="alice")
        await clock.pass_(6)
        assert await ids(store) == await ids(store, prefix="") == ["kept"]
        assert await ids(store, user="alice") == ["kept"]

    @pytest.mark.parametrize("order", ["newest", "id"])
    async def test_a_query_that_makes_no_sense_is_refused(
        self, subject: AsyncSubject, order: Literal["newest", "id"]
    ) -> None:
        other: Literal["newest", "id"] = "id" if order == "newest" else "newest"
        space = subject.ref.namespace
        for number in range(3):
            await subject.other(f"t{number}").put(a=b"1")
        good = Query(namespace=space, kind="thread", order=order, limit=1)
        cursor = (await subject.engine.scan(good)).cursor
        assert cursor is not None
        for wrong in (
            Query(namespace=space, kind="thread", order=order, cursor="nonsense"),
            Query(namespace=space, kind="thread", order=other, cursor=cursor),
            Query(namespace=space, kind="thread", order=order, limit=0),
            Query(namespace=space, kind="thread", order="newest", prefix="t"),
        ):
            with pytest.raises(UsageError):
                await subject.engine.scan(wrong)
