# Generated from src/threadkeep/testing/_async/messages.py by scripts/unasync. Do not edit.
"""`thread.messages`: the history of a conversation."""

from __future__ import annotations

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import Conflict, UsageError
from threadkeep.testing._sync.clock import Clock


class TestMessages:
    """Numbered from 1, in one order, never renumbered."""

    @pytest.fixture
    def ten(self, thread: Thread) -> Thread:
        """Return a thread whose messages are the numbers from 1 to 10."""
        thread.messages.append(*range(1, 11))
        return thread

    def test_append_and_list(self, thread: Thread) -> None:
        messages = thread.messages
        assert messages.list() == []
        assert messages.list(last=5) == []
        assert messages.count() == 0
        done = messages.append({"role": "user", "content": "hi"}, "plain")
        assert (done.seqs, done.skipped, done.added, done.revision) == ((1, 2), (), 2, 1)
        done = messages.append(None)
        assert (done.seqs, done.revision) == ((3,), 2)
        assert messages.list() == [{"role": "user", "content": "hi"}, "plain", None]
        assert messages.count() == 3

    def test_appending_nothing_changes_nothing(self, thread: Thread) -> None:
        done = thread.messages.append()
        assert (done.seqs, done.skipped) == ((), ())
        assert thread.info() is None

    def test_windows_and_pages(self, ten: Thread) -> None:
        messages = ten.messages
        assert messages.list(last=3) == [8, 9, 10]
        assert messages.list(last=99) == list(range(1, 11))
        assert messages.list(last=0) == []
        assert messages.list(last=2, before=5) == [3, 4]
        assert messages.list(after=7) == [8, 9, 10]
        assert messages.list(before=3) == [1, 2]
        assert messages.list(after=2, before=6) == [3, 4, 5]
        assert messages.list(after=2, limit=2) == [3, 4]
        assert messages.list(limit=4) == [1, 2, 3, 4]
        assert messages.list(limit=0) == []
        assert messages.list(after=99) == []

    def test_pages_forward_and_back_make_up_the_history(self, ten: Thread) -> None:
        found: list[int] = []
        while page := ten.messages.entries(after=len(found), limit=3):
            found += [m.value for m in page]
        assert found == list(range(1, 11))
        back: list[int] = []
        while page := ten.messages.entries(last=4, before=11 - len(back)):
            back = [m.value for m in page] + back
        assert back == list(range(1, 11))

    def test_arguments_that_make_no_sense(self, ten: Thread) -> None:
        for wrong in (
            {"last": 3, "after": 1},
            {"last": 3, "limit": 1},
            {"last": -1},
            {"limit": -1},
            {"after": -1},
            {"before": 1.5},
            {"last": True},
            {"last": "3"},
        ):
            with pytest.raises(UsageError):
                ten.messages.list(**wrong)  # pyright: ignore[reportArgumentType] - what is refused
        for keep in (-1, 1.5, "3", None):
            with pytest.raises(UsageError):
                ten.messages.trim(keep_last=keep)  # pyright: ignore[reportArgumentType]
        assert ten.messages.count() == 10

    def test_entries_say_numbers_ids_and_times(self, thread: Thread, clock: Clock) -> None:
        thread.messages.append({"id": "m1", "content": "a"}, "b")
        clock.pass_(1)
        thread.messages.append("c", ids=["m3"])
        found = thread.messages.entries()
        assert [(m.seq, m.id) for m in found] == [(1, "m1"), (2, None), (3, "m3")]
        assert found[0].value == {"id": "m1", "content": "a"}
        assert found[0].created_at == found[1].created_at < found[2].created_at
        assert abs((found[0].created_at - clock.now()).total_seconds()) < 60

    def test_an_id_again_is_ignored_and_said_so(self, thread: Thread) -> None:
        first = {"id": "m1", "content": "first"}
        thread.messages.append(first)
        done = thread.messages.append({"id": "m1", "content": "again"}, {"id": "m2"})
        assert (done.seqs, done.skipped, done.added) == ((1, 2), ("m1",), 1)
        done = thread.messages.append("x", "y", ids=["m2", None])
        assert (done.seqs, done.skipped) == ((2, 3), ("m2",))
        assert thread.messages.list() == [first, {"id": "m2"}, "y"]
        info = thread.info()
        assert info is not None
        done = thread.messages.append(first)
        assert (done.added, done.revision) == (0, info.revision)

    def test_ids_win_over_a_messages_own(self, thread: Thread) -> None:
        thread.messages.append({"id": "own"}, {"id": "own"}, {"id": 7}, ids=["a", None, None])
        assert [m.id for m in thread.messages.entries()] == ["a", None, None]
        for ids in (["a"], "abc", ["a", "b", ""]):
            with pytest.raises(UsageError):
                thread.messages.append(1, 2, 3, ids=ids)
        assert thread.messages.count() == 3

    def test_ids_are_unique_in_a_thread_only(self, store: Store) -> None:
        for name in ("a", "b"):
            done = store.thread(name).messages.append("x", ids=["m1"])
            assert done.skipped == ()

    def test_pop(self, ten: Thread) -> None:
        assert ten.messages.pop() == 10
        assert ten.messages.pop() == 9
        assert ten.messages.count() == 8
        assert (ten.messages.append("new")).seqs == (11,)
        ten.messages.clear()
        assert ten.messages.pop() is None

    def test_trim(self, ten: Thread) -> None:
        assert ten.messages.trim(keep_last=20) == 0
        assert ten.messages.trim(keep_last=10) == 0
        assert ten.messages.trim(keep_last=4) == 6
        assert ten.messages.list() == [7, 8, 9, 10]
        assert [m.seq for m in ten.messages.entries()] == [7, 8, 9, 10]
        assert ten.messages.trim(keep_last=0) == 4
        assert ten.messages.list() == []
        assert (ten.messages.append("new")).seqs == (11,)

    def test_clear(self, ten: Thread) -> None:
        ten.state.set("a", 1)
        assert ten.messages.clear() == 10
        assert ten.messages.clear() == 0
        assert ten.messages.list() == []
        assert ten.state.get("a") == 1
        assert (ten.messages.append("new", ids=["m"])).seqs == (11,)

    def test_replace(self, ten: Thread) -> None:
        done = ten.messages.replace(["summary", "tail"], ids=["s", None])
        assert (done.seqs, done.added) == ((11, 12), 2)
        assert ten.messages.list() == ["summary", "tail"]
        assert (ten.messages.append("x", ids=["s"])).skipped == ("s",)
        done = ten.messages.replace(["new"], ids=["s"])
        assert (done.seqs, done.skipped) == ((13,), ())
        assert ten.messages.list() == ["new"]
        ten.messages.replace([])
        assert ten.messages.list() == []

    def test_replace_only_what_was_seen(self, ten: Thread) -> None:
        ten.messages.append("meanwhile")
        with pytest.raises(Conflict) as refused:
            ten.messages.replace(["summary"], if_head=10)
        assert refused.value.found == 11
        assert ten.messages.count() == 11
        ten.messages.replace(["summary"], if_head=11)
        assert ten.messages.list() == ["summary"]

    def test_messages_and_state_change_apart(self, ten: Thread) -> None:
        ten.state.set("a", 1)
        ten.messages.pop()
        entry = ten.state.entry("a")
        assert entry is not None and entry.revision == 2
        assert ten.state.clear() == 1
        assert ten.messages.count() == 9

    def test_a_long_history(self, thread: Thread) -> None:
        text = "x" * 2_000
        for start in range(0, 400, 100):
            thread.messages.append(*[{"n": n, "text": text} for n in range(start, start + 100)])
        assert [m["n"] for m in thread.messages.list()] == list(range(400))
        assert [m["n"] for m in thread.messages.list(last=2)] == [398, 399]
        assert thread.messages.trim(keep_last=100) == 300
        assert [m["n"] for m in thread.messages.list(limit=2)] == [300, 301]
