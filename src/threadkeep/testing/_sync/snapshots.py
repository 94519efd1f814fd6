# Generated from src/threadkeep/testing/_async/snapshots.py by scripts/unasync. Do not edit.
"""Snapshots: versioned images of a running agent, by thread and by session id."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import Conflict, Gone, TooLarge, UsageError
from threadkeep.model.options import Limits
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing.tasks import Tasks

IMAGE = {"step": 3, "plan": ["book", "pay"], "raw": b"\x00\xff", "of": ("a", 1)}


class TestSnapshots:
    """A late save never covers a newer one, and the last few stay."""

    def test_what_was_saved_is_loaded(self, thread: Thread) -> None:
        snapshots = thread.snapshots
        assert snapshots.load() is None
        assert snapshots.entry() is None
        assert not snapshots.exists()
        assert snapshots.save(IMAGE) == 1
        assert snapshots.load() == IMAGE
        assert snapshots.exists()
        assert snapshots.save("second") == 2
        assert snapshots.load() == "second"
        assert snapshots.load(revision=1) == IMAGE
        assert snapshots.load(revision=7) is None

    def test_saving_none_is_not_saving_nothing(self, thread: Thread) -> None:
        thread.snapshots.save(None)
        assert thread.snapshots.exists()
        entry = thread.snapshots.entry()
        assert entry is not None and (entry.revision, entry.data) == (1, None)

    def test_if_revision_lets_the_newer_stand(self, thread: Thread) -> None:
        snapshots = thread.snapshots
        with pytest.raises(Conflict) as refused:
            snapshots.save("x", if_revision=3)
        assert refused.value.found == 0
        assert thread.info() is None
        assert snapshots.save("a", if_revision=0) == 1
        assert snapshots.save("b", if_revision=1) == 2
        for late in (0, 1):
            with pytest.raises(Conflict) as refused:
                snapshots.save("late", if_revision=late)
            assert refused.value.found == 2
        assert snapshots.load() == "b"
        assert len(snapshots.history()) == 2

    def test_of_concurrent_saves_of_one_revision_one_stands(self, store: Store) -> None:
        for round_ in range(5):
            snapshots = store.thread(f"t{round_}").snapshots  # there is no such thread yet
            saves = [lambda n=n, s=snapshots: s.save(n, if_revision=0) for n in range(8)]
            outcomes = Tasks.outcomes(*saves)
            assert sum(isinstance(o, Conflict) for o in outcomes) == 7
            assert [o for o in outcomes if not isinstance(o, Conflict)] == [1]
            assert outcomes[snapshots.load()] == 1

    def test_history_is_newest_first_and_without_data(self, thread: Thread, clock: Clock) -> None:
        for number in range(3):
            thread.snapshots.save("x" * 100 * (number + 1))
            clock.pass_(1)
        history = thread.snapshots.history()
        assert [(s.revision, s.data) for s in history] == [(3, None), (2, None), (1, None)]
        assert history[0].bytes > history[1].bytes > history[2].bytes >= 100
        assert history[0].created_at > history[1].created_at > history[2].created_at

    def test_the_last_ten_stay_or_as_many_as_asked(
        self, store: Store, make_store: MakeStore
    ) -> None:
        for number in range(12):
            store.thread("t").snapshots.save(number)
        snapshots = store.thread("t").snapshots
        assert [s.revision for s in snapshots.history()] == list(range(12, 2, -1))
        assert snapshots.load(revision=2) is None
        snapshots.save("x", keep=2)
        assert [s.revision for s in snapshots.history()] == [13, 12]
        few = make_store(snapshots=1).thread("few").snapshots
        for number in range(3):
            few.save(number)
        assert [s.revision for s in few.history()] == [3]
        for keep in (0, -1):
            with pytest.raises(UsageError):
                few.save("x", keep=keep)

    def test_revisions_go_on_after_a_deletion(self, thread: Thread) -> None:
        thread.snapshots.save("a")
        thread.snapshots.save("b")
        assert thread.snapshots.delete() == 2
        assert thread.snapshots.delete() == 0
        assert thread.snapshots.load() is None
        assert not thread.snapshots.exists()
        with pytest.raises(Conflict):
            thread.snapshots.save("late", if_revision=0)
        assert thread.snapshots.save("c", if_revision=2) == 3

    @pytest.mark.parametrize("revision", [0, -1, True, "1", 1.0])
    def test_a_revision_is_a_number_from_one(self, thread: Thread, revision: Any) -> None:
        thread.snapshots.save("a")
        with pytest.raises(UsageError, match="revision is"):
            thread.snapshots.entry(revision=revision)

    def test_snapshots_leave_messages_and_state_alone(self, thread: Thread) -> None:
        thread.messages.append("m")
        thread.state.set("a", 1)
        thread.snapshots.save("s")
        assert thread.messages.list() == ["m"]
        assert thread.messages.count() == 1
        assert thread.state.get_all() == {"a": 1}
        info = thread.info()
        assert info is not None and (info.labels, info.messages) == ({}, 1)
        assert thread.snapshots.delete() == 1
        assert thread.messages.list() == ["m"]

    def test_large_ones(self, thread: Thread) -> None:
        data = {"blob": bytes(range(256)) * 8_192, "text": "é" * 100_000}
        for _ in range(2):
            thread.snapshots.save(data)
        assert thread.snapshots.load() == data
        entry = thread.snapshots.entry()
        assert entry is not None and entry.bytes > 2 << 20

    def test_over_the_limit_nothing_is_saved(self, make_store: MakeStore) -> None:
        thread = make_store(limits=Limits(snapshot=1_000)).thread("t")
        thread.snapshots.save("x" * 900)
        with pytest.raises(TooLarge):
            thread.snapshots.save("x" * 1_001)
        assert [s.revision for s in thread.snapshots.history()] == [1]

    def test_a_destroyed_thread_has_none(self, store: Store) -> None:
        late = store.thread("t")
        late.snapshots.save("a")
        store.thread("t").destroy()
        assert not store.thread("t").snapshots.exists()
        with pytest.raises(Gone):
            late.snapshots.save("b")
        assert store.thread("t").snapshots.save("new", if_revision=0) == 1


class TestSessions:
    """`store.sessions`: snapshots by session id."""

    def test_save_load_has_delete(self, store: Store) -> None:
        sessions = store.sessions
        assert sessions.load("s1") is None
        assert not sessions.has("s1")
        assert not sessions.delete("s1")
        assert sessions.save("s1", IMAGE) == 1
        assert sessions.load("s1") == IMAGE
        assert sessions.has("s1")
        with pytest.raises(Conflict):
            sessions.save("s1", "late", if_revision=0)
        assert sessions.save("s1", "b", if_revision=1) == 2
        assert store.thread("s1").snapshots.load() == "b"
        assert sessions.delete("s1")
        assert not sessions.has("s1")

    def test_listing(self, store: Store, clock: Clock) -> None:
        store.thread("without").state.set("a", 1)
        for name in ("b:1", "a:1", "b:2"):
            store.sessions.save(name, name)
            clock.pass_(0.1)
        assert store.sessions.list() == ["b:2", "a:1", "b:1"]
        assert store.sessions.list(limit=2) == ["b:2", "a:1"]
        assert store.sessions.list(prefix="b:") == ["b:1", "b:2"]
        assert store.sessions.list(prefix="") == ["a:1", "b:1", "b:2"]
        store.sessions.delete("a:1")
        store.thread("b:1").destroy()
        assert store.sessions.list() == ["b:2"]
