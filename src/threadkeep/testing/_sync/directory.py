# Generated from src/threadkeep/testing/_async/directory.py by scripts/unasync. Do not edit.
"""The directory: what is known of a thread, labels, listings."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import Gone, UsageError
from threadkeep.model.leases import FOREVER
from threadkeep.ops.engine import Query
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.subject import Subject
from threadkeep.testing.needs import needs


def ids(store: Store, prefix: str | None = None, **labels: Any) -> list[str]:
    """Return the ids of a full listing."""
    return [t.id for t in store.threads(prefix=prefix, **labels)]


class TestDirectory:
    """`info`, labels, `destroy`."""

    def test_info(self, thread: Thread, clock: Clock) -> None:
        assert thread.info() is None
        thread.state.set("a", "x" * 50)
        first = thread.info()
        clock.pass_(1)
        thread.messages.append("m" * 50, "n" * 50)
        thread.snapshots.save("s")
        info = thread.info()
        assert first is not None and info is not None
        assert (info.id, info.namespace) == ("subject", thread.namespace)
        assert (info.fields, info.items, info.messages) == (1, 3, 2)
        assert info.bytes > first.bytes >= 50
        assert (first.revision, info.revision) == (1, 3)
        assert first.epoch == info.epoch != ""
        assert first.created_at == info.created_at <= first.updated_at < info.updated_at
        assert abs((first.created_at - clock.now()).total_seconds()) < 60
        assert (info.labels, info.lease, info.expires_at) == ({}, FOREVER, None)

    def test_reads_change_nothing_of_it(self, thread: Thread, clock: Clock) -> None:
        thread.state.set("a", 1, ttl=clock.span(100))
        before = thread.info()
        clock.pass_(10)
        thread.state.get_all()
        thread.messages.list()
        thread.state.touch()
        assert thread.info() == before

    def test_labels(self, thread: Thread) -> None:
        assert thread.set_labels(user="alice", model="large") == {
            "user": "alice",
            "model": "large",
        }
        assert thread.set_labels(user="bob", model=None) == {"user": "bob"}
        assert thread.set_labels(never=None) == {"user": "bob"}
        info = thread.info()
        assert info is not None and info.labels == {"user": "bob"}

    def test_a_label_alone_makes_a_thread(self, store: Store) -> None:
        store.thread("t").set_labels(user="alice")
        assert ids(store) == ["t"]
        assert ids(store, user="alice") == ["t"]

    def test_users_and_the_app_have_info_too(self, store: Store) -> None:
        for entity in (store.user("alice"), store.app()):
            assert entity.info() is None
            entity.state.set("a", 1)
            entity.set_labels(plan="pro")
            info = entity.info()
            assert info is not None and (info.id, info.fields) == (entity.id, 1)
        assert ids(store) == []

    def test_destroying_removes_everything_and_counts_it(self, store: Store) -> None:
        thread = store.thread("t")
        thread.state.update({"a": 1, "b": 2})
        thread.messages.append("1", "2", "3")
        thread.snapshots.save("s")
        thread.set_labels(user="alice")
        assert store.thread("t").destroy() == 6
        new = store.thread("t")
        assert new.info() is None
        assert new.state.get_all() == {}
        assert new.messages.list() == []
        assert new.messages.count() == 0
        assert new.snapshots.history() == []
        assert ids(store) == ids(store, user="alice") == []
        assert store.thread("t").destroy() == 0

    def test_a_new_thread_under_the_same_id_is_new(self, store: Store) -> None:
        old = store.thread("t")
        old.state.set("a", 1)
        old.messages.append("m")
        first = old.info()
        old.destroy()
        new = store.thread("t")
        assert (new.messages.append("n")).seqs == (1,)
        info = new.info()
        assert first is not None and info is not None
        assert (info.revision, info.fields, info.messages) == (1, 0, 1)
        assert info.epoch != first.epoch

    @pytest.mark.parametrize("reborn", [False, True])
    def test_late_writers_get_gone(self, store: Store, reborn: bool) -> None:
        late, reader = store.thread("t"), store.thread("t")
        late.state.set("a", 1)
        reader.state.get("a")
        store.thread("t").destroy()
        if reborn:
            store.thread("t").state.set("new", 1)
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
                    write()
        assert store.thread("t").state.get_all() == ({"new": 1} if reborn else {})
        assert ids(store) == (["t"] if reborn else [])

    @needs("clock")
    def test_the_tombstone_stands_for_24_hours(self, store: Store, clock: Clock) -> None:
        late = store.thread("t")
        late.state.set("a", 1)
        store.thread("t").destroy()
        for _ in range(2):
            clock.jump(12 * 3_600 - 1)
            store.sweep()
            with pytest.raises(Gone):
                late.state.set("a", 2)
        assert store.thread("t").info() is None

    def test_a_handle_that_has_met_nothing_may_begin(self, store: Store) -> None:
        early = store.thread("t")
        assert early.state.get("a") is None
        store.thread("t").state.set("a", 1)
        early.state.set("b", 2)
        assert store.thread("t").state.get_all() == {"a": 1, "b": 2}


class TestListing:
    """Newest first, by id, by labels; complete whatever is written meanwhile."""

    def test_newest_first(self, store: Store, clock: Clock) -> None:
        for name in ("a", "c", "b"):
            store.thread(name).state.set("x", 1)
            clock.pass_(0.1)
        assert ids(store) == ["b", "c", "a"]
        store.thread("a").messages.append("m")
        clock.pass_(0.1)
        assert ids(store) == ["a", "b", "c"]
        store.thread("c").state.set("x", 2)
        assert ids(store) == ["c", "a", "b"]

    def test_what_only_reads_does_not_move(self, store: Store, clock: Clock) -> None:
        for name in ("a", "b"):
            store.thread(name).state.set("x", 1, ttl=clock.span(50))
            clock.pass_(5)
        store.thread("a").state.get("x")
        store.thread("a").state.touch()
        assert ids(store) == ["b", "a"]

    def test_what_is_listed_is_what_info_says(self, store: Store) -> None:
        store.thread("t").set_labels(user="alice")
        store.thread("t").state.set("a", 1)
        store.thread("t").snapshots.save("s")
        (listed,) = [t for t in store.threads()]
        info = store.thread("t").info()
        assert info is not None and listed.messages is None
        for name in ("id", "namespace", "created_at", "updated_at", "revision", "epoch", "labels"):
            assert getattr(listed, name) == getattr(info, name)
        for name in ("lease", "expires_at", "fields", "items", "bytes"):
            assert getattr(listed, name) == getattr(info, name)

    def test_by_prefix(self, store: Store) -> None:
        names = ["u1:a", "u1:b", "u1", "u10:a", "u2:a", "U1:c", "u1;", "ü1:d"]
        for name in names:
            store.thread(name).state.set("x", 1)
        assert ids(store, prefix="u1:") == ["u1:a", "u1:b"]
        assert ids(store, prefix="u1") == ["u1", "u10:a", "u1:a", "u1:b", "u1;"]
        assert ids(store, prefix="u1:a") == ["u1:a"]
        assert ids(store, prefix="never") == []
        assert ids(store, prefix="") == sorted(names)

    def test_by_labels_all_of_which_must_be_equal(self, store: Store, clock: Clock) -> None:
        for number in range(8):
            store.thread(f"t{number}").set_labels(
                user="alice" if number % 2 else "bob", tier=str(number % 3)
            )
            clock.pass_(0.1)
        assert ids(store, user="alice") == ["t7", "t5", "t3", "t1"]
        assert ids(store, user="alice", tier="1") == ["t7", "t1"]
        assert ids(store, tier="1", user="alice") == ["t7", "t1"]
        assert ids(store, user="alice", tier="1", prefix="t") == ["t1", "t7"]
        assert ids(store, user="alice", tier="7") == []
        assert ids(store, user="alic") == ids(store, user="Alice") == []
        listing = store.threads(labels={"user": "bob"}, tier="0")
        assert [t.id for t in listing] == ["t6", "t0"]
        store.thread("t7").set_labels(user="bob")
        store.thread("t5").set_labels(user=None)
        store.thread("t3").destroy()
        assert ids(store, user="alice") == ["t1"]

    def test_limit(self, store: Store) -> None:
        for number in range(5):
            store.thread(f"t{number}").state.set("x", 1)
        for limit, count in ((1, 1), (3, 3), (5, 5), (9, 5)):
            assert len([t for t in store.threads(limit=limit)]) == count
            assert len([t for t in store.threads(limit=limit, prefix="t")]) == count
        for limit in (0, -1, 1.5, "3"):
            with pytest.raises(UsageError):
                store.threads(limit=limit)  # pyright: ignore[reportArgumentType] - what is refused

    def test_kinds_and_namespaces_are_listed_apart(
        self, make_store: MakeStore, namespace: str
    ) -> None:
        here, there = make_store(), make_store(namespace=f"{namespace}-b")
        here.thread("here").state.set("x", 1)
        here.user("u").state.set("x", 1)
        here.app().state.set("x", 1)
        there.thread("there").set_labels(user="alice")
        assert ids(here) == ids(here, prefix="") == ["here"]
        assert ids(there) == ids(there, prefix="") == ["there"]
        assert ids(here, user="alice") == []

    def test_what_has_expired_is_not_listed(self, make_store: MakeStore, clock: Clock) -> None:
        store = make_store(thread_ttl=clock.span(5))
        store.thread("t").set_labels(user="alice")
        make_store().thread("kept").set_labels(user="alice")
        clock.pass_(6)
        assert ids(store) == ids(store, prefix="") == ["kept"]
        assert ids(store, user="alice") == ["kept"]

    @pytest.mark.parametrize("order", ["newest", "id"])
    def test_a_query_that_makes_no_sense_is_refused(
        self, subject: Subject, order: Literal["newest", "id"]
    ) -> None:
        other: Literal["newest", "id"] = "id" if order == "newest" else "newest"
        space = subject.ref.namespace
        for number in range(3):
            subject.other(f"t{number}").put(a=b"1")
        good = Query(namespace=space, kind="thread", order=order, limit=1)
        cursor = (subject.engine.scan(good)).cursor
        assert cursor is not None
        for wrong in (
            Query(namespace=space, kind="thread", order=order, cursor="nonsense"),
            Query(namespace=space, kind="thread", order=other, cursor=cursor),
            Query(namespace=space, kind="thread", order=order, limit=0),
            Query(namespace=space, kind="thread", order="newest", prefix="t"),
        ):
            with pytest.raises(UsageError):
                subject.engine.scan(wrong)
