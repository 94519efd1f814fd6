# Generated from src/threadkeep/testing/_async/forks.py by scripts/unasync. Do not edit.
"""`thread.fork()`: a copy that goes its own way."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import Conflict, NotFound, UsageError
from threadkeep.layers import directory
from threadkeep.model.leases import FOREVER
from threadkeep.ops.ops import Append, Get, Set
from threadkeep.ops.reply import Fields
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.subject import LOG, Subject, answer
from threadkeep.testing.tasks import Tasks


class TestForks:
    """Fields keep their ends, messages their numbers."""

    @pytest.fixture
    def full(self, thread: Thread, clock: Clock) -> Thread:
        """Return a thread with something of everything."""
        thread.state.set("short", 1, ttl=clock.span(20))
        thread.state.set("fixed", 2, expires_at=clock.after(20))
        thread.state.set("kept", {"raw": b"\x00"})
        thread.messages.append({"id": "m1", "content": "a"}, "b", "c")
        thread.messages.pop()
        thread.messages.append("d")
        thread.snapshots.save("image 1")
        thread.snapshots.save("image 2")
        thread.set_labels(user="alice")
        return thread

    def test_everything_comes_along(self, full: Thread, clock: Clock) -> None:
        clock.pass_(1)
        copy = full.fork("copy")
        assert copy.id == "copy"
        assert copy.messages.entries() == full.messages.entries()
        assert [m.seq for m in copy.messages.entries()] == [1, 2, 4]
        assert copy.snapshots.history() == full.snapshots.history()
        assert copy.snapshots.load() == "image 2"
        mine, theirs = full.state.entries(), copy.state.entries()
        assert list(mine) == list(theirs) == ["fixed", "kept", "short"]
        for name, entry in mine.items():
            assert entry.value == theirs[name].value
            assert (entry.lease, entry.expires_at) == (theirs[name].lease, theirs[name].expires_at)
        one, other = full.info(), copy.info()
        assert one is not None and other is not None
        assert other.labels == one.labels == {"user": "alice"}
        assert (other.fields, other.items, other.messages) == (one.fields, one.items, one.messages)
        assert other.epoch != one.epoch
        assert other.created_at > one.created_at

    def test_leases_go_on_where_they_were(self, full: Thread, clock: Clock) -> None:
        clock.pass_(14)
        copy = full.fork("copy")
        clock.pass_(7)
        assert copy.state.keys() == ["kept"]

    def test_both_go_their_own_way(self, full: Thread) -> None:
        copy = full.fork("copy")
        copy.state.set("kept", "changed")
        assert (copy.messages.append("new", "again", ids=["m9", "m1"])).skipped == ("m1",)
        full.messages.append("other")
        copy.snapshots.save("image 3", if_revision=2)
        assert full.state.get("kept") == {"raw": b"\x00"}
        assert full.messages.list(last=1) == ["other"]
        assert copy.messages.list(last=1) == ["new"]
        assert full.snapshots.load() == "image 2"
        full.destroy()
        assert copy.messages.count() == 4

    @pytest.mark.parametrize(
        ("at", "seqs"), [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 2]), (9, [1, 2, 4])]
    )
    def test_at_leaves_later_messages_out(self, full: Thread, at: int, seqs: list[int]) -> None:
        copy = full.fork("copy", at=at)
        assert [m.seq for m in copy.messages.entries()] == seqs
        assert copy.messages.count() == len(seqs)
        assert copy.snapshots.load() == "image 2"
        assert (copy.messages.append("next")).seqs == (min(at, 4) + 1,)
        assert [m.seq for m in full.messages.entries()] == [1, 2, 4]

    def test_what_stands_is_not_written_over(self, full: Thread, store: Store) -> None:
        store.thread("copy").state.set("a", 1)
        for name in ("copy", "subject"):
            with pytest.raises(Conflict):
                full.fork(name)
        assert store.thread("copy").state.get_all() == {"a": 1}
        assert store.thread("copy").messages.count() == 0

    def test_of_concurrent_forks_one_wins(self, full: Thread) -> None:
        outcomes = Tasks.outcomes(*[lambda: full.fork("copy")] * 4)
        assert sum(isinstance(o, Conflict) for o in outcomes) == 3
        assert sum(isinstance(o, Thread) for o in outcomes) == 1

    def test_forks_that_make_no_sense(self, full: Thread, store: Store) -> None:
        with pytest.raises(NotFound):
            store.thread("never").fork("copy")
        wrong: Any
        for wrong in (-1, 1.5, "1", True):
            with pytest.raises(UsageError):
                full.fork("copy", at=wrong)
        assert store.thread("copy").info() is None

    def test_a_turn_is_not_copied(self, full: Thread) -> None:
        with full.turn():
            copy = full.fork("copy")
            with copy.turn("reject"):
                copy.state.set("a", 1)
        assert copy.state.get("a") == 1

    def test_links_come_along(self, subject: Subject, store: Store) -> None:
        links = {"entry": ("b1",)}
        subject.run(
            Set("blobs", {"b1": b"x"}),
            Set("index", {"entry": b"e"}, FOREVER, refs=links),
            Append(LOG, (b"j1",), refs=(("b1",),)),
        )
        store.thread("subject").fork("copy")
        copy = subject.other("copy")
        reply = copy.run(Get("index", refs="blobs"))
        assert list(answer(reply, Fields).linked) == ["b1"]
        assert (copy.items()).items[0].refs == ("b1",)

    def test_a_copy_elsewhere_is_the_same(
        self, full: Thread, subject: Subject, make_store: MakeStore, namespace: str
    ) -> None:
        known = subject.info()
        assert known is not None
        plan = directory.contents(subject.ref, known)
        ops = plan.decode(subject.engine.run(plan.batch))
        there = subject.other("elsewhere", namespace=f"{namespace}-b")
        created = directory.create(there.ref, ops)
        assert created.decode(subject.engine.run(created.batch)) == 1
        with pytest.raises(Conflict):
            created.decode(subject.engine.run(created.batch))
        copy = make_store(namespace=f"{namespace}-b").thread("elsewhere")
        assert copy.messages.entries() == full.messages.entries()
        assert copy.state.get_all() == full.state.get_all()
        assert copy.snapshots.history() == full.snapshots.history()
