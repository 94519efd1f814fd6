"""`thread.messages`: the history of a conversation."""

from __future__ import annotations

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Conflict, UsageError
from threadkeep.testing._async.clock import AsyncClock


@pytest.mark.anyio
class TestMessages:
    """Numbered from 1, in one order, never renumbered."""

    @pytest.fixture
    async def ten(self, thread: AsyncThread) -> AsyncThread:
        """Return a thread whose messages are the numbers from 1 to 10."""
        await thread.messages.append(*range(1, 11))
        return thread

    async def test_append_and_list(self, thread: AsyncThread) -> None:
        messages = thread.messages
        assert await messages.list() == []
        assert await messages.list(last=5) == []
        assert await messages.count() == 0
        done = await messages.append({"role": "user", "content": "hi"}, "plain")
        assert (done.seqs, done.skipped, done.added, done.revision) == ((1, 2), (), 2, 1)
        done = await messages.append(None)
        assert (done.seqs, done.revision) == ((3,), 2)
        assert await messages.list() == [{"role": "user", "content": "hi"}, "plain", None]
        assert await messages.count() == 3

    async def test_appending_nothing_changes_nothing(self, thread: AsyncThread) -> None:
        done = await thread.messages.append()
        assert (done.seqs, done.skipped) == ((), ())
        assert await thread.info() is None

    async def test_windows_and_pages(self, ten: AsyncThread) -> None:
        messages = ten.messages
        assert await messages.list(last=3) == [8, 9, 10]
        assert await messages.list(last=99) == list(range(1, 11))
        assert await messages.list(last=0) == []
        assert await messages.list(last=2, before=5) == [3, 4]
        assert await messages.list(after=7) == [8, 9, 10]
        assert await messages.list(before=3) == [1, 2]
        assert await messages.list(after=2, before=6) == [3, 4, 5]
        assert await messages.list(after=2, limit=2) == [3, 4]
        assert await messages.list(limit=4) == [1, 2, 3, 4]
        assert await messages.list(limit=0) == []
        assert await messages.list(after=99) == []

    async def test_pages_forward_and_back_make_up_the_history(self, ten: AsyncThread) -> None:
        found: list[int] = []
        while page := await ten.messages.entries(after=len(found), limit=3):
            found += [m.value for m in page]
        assert found == list(range(1, 11))
        back: list[int] = []
        while page := await ten.messages.entries(last=4, before=11 - len(back)):
            back = [m.value for m in page] + back
        assert back == list(range(1, 11))

    async def test_arguments_that_make_no_sense(self, ten: AsyncThread) -> None:
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
                await ten.messages.list(**wrong)  # pyright: ignore[reportArgumentType] - what is refused
        for keep in (-1, 1.5, "3", None):
            with pytest.raises(UsageError):
                await ten.messages.trim(keep_last=keep)  # pyright: ignore[reportArgumentType]
        assert await ten.messages.count() == 10

    async def test_entries_say_numbers_ids_and_times(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        await thread.messages.append({"id": "m1", "content": "a"}, "b")
        await clock.pass_(1)
        await thread.messages.append("c", ids=["m3"])
        found = await thread.messages.entries()
        assert [(m.seq, m.id) for m in found] == [(1, "m1"), (2, None), (3, "m3")]
        assert found[0].value == {"id": "m1", "content": "a"}
        assert found[0].created_at == found[1].created_at < found[2].created_at
        assert abs((found[0].created_at - clock.now()).total_seconds()) < 60

    async def test_an_id_again_is_ignored_and_said_so(self, thread: AsyncThread) -> None:
        first = {"id": "m1", "content": "first"}
        await thread.messages.append(first)
        done = await thread.messages.append({"id": "m1", "content": "again"}, {"id": "m2"})
        assert (done.seqs, done.skipped, done.added) == ((1, 2), ("m1",), 1)
        done = await thread.messages.append("x", "y", ids=["m2", None])
        assert (done.seqs, done.skipped) == ((2, 3), ("m2",))
        assert await thread.messages.list() == [first, {"id": "m2"}, "y"]
        info = await thread.info()
        assert info is not None
        done = await thread.messages.append(first)
        assert (done.added, done.revision) == (0, info.revision)

    async def test_ids_win_over_a_messages_own(self, thread: AsyncThread) -> None:
        await thread.messages.append({"id": "own"}, {"id": "own"}, {"id": 7}, ids=["a", None, None])
        assert [m.id for m in await thread.messages.entries()] == ["a", None, None]
        for ids in (["a"], "abc", ["a", "b", ""]):
            with pytest.raises(UsageError):
                await thread.messages.append(1, 2, 3, ids=ids)
        assert await thread.messages.count() == 3

    async def test_ids_are_unique_in_a_thread_only(self, store: AsyncStore) -> None:
        for name in ("a", "b"):
            done = await store.thread(name).messages.append("x", ids=["m1"])
            assert done.skipped == ()

    async def test_pop(self, ten: AsyncThread) -> None:
        assert await ten.messages.pop() == 10
        assert await ten.messages.pop() == 9
        assert await ten.messages.count() == 8
        assert (await ten.messages.append("new")).seqs == (11,)
        await ten.messages.clear()
        assert await ten.messages.pop() is None

    async def test_trim(self, ten: AsyncThread) -> None:
        assert await ten.messages.trim(keep_last=20) == 0
        assert await ten.messages.trim(keep_last=10) == 0
        assert await ten.messages.trim(keep_last=4) == 6
        assert await ten.messages.list() == [7, 8, 9, 10]
        assert [m.seq for m in await ten.messages.entries()] == [7, 8, 9, 10]
        assert await ten.messages.trim(keep_last=0) == 4
        assert await ten.messages.list() == []
        assert (await ten.messages.append("new")).seqs == (11,)

    async def test_clear(self, ten: AsyncThread) -> None:
        await ten.state.set("a", 1)
        assert await ten.messages.clear() == 10
        assert await ten.messages.clear() == 0
        assert await ten.messages.list() == []
        assert await ten.state.get("a") == 1
        assert (await ten.messages.append("new", ids=["m"])).seqs == (11,)

    async def test_replace(self, ten: AsyncThread) -> None:
        done = await ten.messages.replace(["summary", "tail"], ids=["s", None])
        assert (done.seqs, done.added) == ((11, 12), 2)
        assert await ten.messages.list() == ["summary", "tail"]
        assert (await ten.messages.append("x", ids=["s"])).skipped == ("s",)
        done = await ten.messages.replace(["new"], ids=["s"])
        assert (done.seqs, done.skipped) == ((13,), ())
        assert await ten.messages.list() == ["new"]
        await ten.messages.replace([])
        assert await ten.messages.list() == []

    async def test_replace_only_what_was_seen(self, ten: AsyncThread) -> None:
        await ten.messages.append("meanwhile")
        with pytest.raises(Conflict) as refused:
            await ten.messages.replace(["summary"], if_head=10)
        assert refused.value.found == 11
        assert await ten.messages.count() == 11
        await ten.messages.replace(["summary"], if_head=11)
        assert await ten.messages.list() == ["summary"]

    async def test_messages_and_state_change_apart(self, ten: AsyncThread) -> None:
        await ten.state.set("a", 1)
        await ten.messages.pop()
        entry = await ten.state.entry("a")
        assert entry is not None and entry.revision == 2
        assert await ten.state.clear() == 1
        assert await ten.messages.count() == 9

    async def test_a_long_history(self, thread: AsyncThread) -> None:
        text = "x" * 2_000
        for start in range(0, 400, 100):
            await thread.messages.append(
                *[{"n": n, "text": text} for n in range(start, start + 100)]
            )
        assert [m["n"] for m in await thread.messages.list()] == list(range(400))
        assert [m["n"] for m in await thread.messages.list(last=2)] == [398, 399]
        assert await thread.messages.trim(keep_last=100) == 300
        assert [m["n"] for m in await thread.messages.list(limit=2)] == [300, 301]
