"""Snapshots: versioned images of a running agent, by thread and by session id."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Conflict, Gone, TooLarge, UsageError
from threadkeep.model.options import Limits
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing.tasks import AsyncTasks

IMAGE = {"step": 3, "plan": ["book", "pay"], "raw": b"\x00\xff", "of": ("a", 1)}


@pytest.mark.anyio
class TestSnapshots:
    """A late save never covers a newer one, and the last few stay."""

    async def test_what_was_saved_is_loaded(self, thread: AsyncThread) -> None:
        snapshots = thread.snapshots
        assert await snapshots.load() is None
        assert await snapshots.entry() is None
        assert not await snapshots.exists()
        assert await snapshots.save(IMAGE) == 1
        assert await snapshots.load() == IMAGE
        assert await snapshots.exists()
        assert await snapshots.save("second") == 2
        assert await snapshots.load() == "second"
        assert await snapshots.load(revision=1) == IMAGE
        assert await snapshots.load(revision=7) is None

    async def test_saving_none_is_not_saving_nothing(self, thread: AsyncThread) -> None:
        await thread.snapshots.save(None)
        assert await thread.snapshots.exists()
        entry = await thread.snapshots.entry()
        assert entry is not None and (entry.revision, entry.data) == (1, None)

    async def test_if_revision_lets_the_newer_stand(self, thread: AsyncThread) -> None:
        snapshots = thread.snapshots
        with pytest.raises(Conflict) as refused:
            await snapshots.save("x", if_revision=3)
        assert refused.value.found == 0
        assert await thread.info() is None
        assert await snapshots.save("a", if_revision=0) == 1
        assert await snapshots.save("b", if_revision=1) == 2
        for late in (0, 1):
            with pytest.raises(Conflict) as refused:
                await snapshots.save("late", if_revision=late)
            assert refused.value.found == 2
        assert await snapshots.load() == "b"
        assert len(await snapshots.history()) == 2

    async def test_of_concurrent_saves_of_one_revision_one_stands(self, store: AsyncStore) -> None:
        for round_ in range(5):
            snapshots = store.thread(f"t{round_}").snapshots  # there is no such thread yet
            saves = [lambda n=n, s=snapshots: s.save(n, if_revision=0) for n in range(8)]
            outcomes = await AsyncTasks.outcomes(*saves)
            assert sum(isinstance(o, Conflict) for o in outcomes) == 7
            assert [o for o in outcomes if not isinstance(o, Conflict)] == [1]
            assert outcomes[await snapshots.load()] == 1

    async def test_history_is_newest_first_and_without_data(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        for number in range(3):
            await thread.snapshots.save("x" * 100 * (number + 1))
            await clock.pass_(1)
        history = await thread.snapshots.history()
        assert [(s.revision, s.data) for s in history] == [(3, None), (2, None), (1, None)]
        assert history[0].bytes > history[1].bytes > history[2].bytes >= 100
        assert history[0].created_at > history[1].created_at > history[2].created_at

    async def test_the_last_ten_stay_or_as_many_as_asked(
        self, store: AsyncStore, make_store: MakeStore
    ) -> None:
        for number in range(12):
            await store.thread("t").snapshots.save(number)
        snapshots = store.thread("t").snapshots
        assert [s.revision for s in await snapshots.history()] == list(range(12, 2, -1))
        assert await snapshots.load(revision=2) is None
        await snapshots.save("x", keep=2)
        assert [s.revision for s in await snapshots.history()] == [13, 12]
        few = make_store(snapshots=1).thread("few").snapshots
        for number in range(3):
            await few.save(number)
        assert [s.revision for s in await few.history()] == [3]
        for keep in (0, -1):
            with pytest.raises(UsageError):
                await few.save("x", keep=keep)

    async def test_revisions_go_on_after_a_deletion(self, thread: AsyncThread) -> None:
        await thread.snapshots.save("a")
        await thread.snapshots.save("b")
        assert await thread.snapshots.delete() == 2
        assert await thread.snapshots.delete() == 0
        assert await thread.snapshots.load() is None
        assert not await thread.snapshots.exists()
        with pytest.raises(Conflict):
            await thread.snapshots.save("late", if_revision=0)
        assert await thread.snapshots.save("c", if_revision=2) == 3

    @pytest.mark.parametrize("revision", [0, -1, True, "1", 1.0])
    async def test_a_revision_is_a_number_from_one(
        self, thread: AsyncThread, revision: Any
    ) -> None:
        await thread.snapshots.save("a")
        with pytest.raises(UsageError, match="revision is"):
            await thread.snapshots.entry(revision=revision)

    async def test_snapshots_leave_messages_and_state_alone(self, thread: AsyncThread) -> None:
        await thread.messages.append("m")
        await thread.state.set("a", 1)
        await thread.snapshots.save("s")
        assert await thread.messages.list() == ["m"]
        assert await thread.messages.count() == 1
        assert await thread.state.get_all() == {"a": 1}
        info = await thread.info()
        assert info is not None and (info.labels, info.messages) == ({}, 1)
        assert await thread.snapshots.delete() == 1
        assert await thread.messages.list() == ["m"]

    async def test_large_ones(self, thread: AsyncThread) -> None:
        data = {"blob": bytes(range(256)) * 8_192, "text": "é" * 100_000}
        for _ in range(2):
            await thread.snapshots.save(data)
        assert await thread.snapshots.load() == data
        entry = await thread.snapshots.entry()
        assert entry is not None and entry.bytes > 2 << 20

    async def test_over_the_limit_nothing_is_saved(self, make_store: MakeStore) -> None:
        thread = make_store(limits=Limits(snapshot=1_000)).thread("t")
        await thread.snapshots.save("x" * 900)
        with pytest.raises(TooLarge):
            await thread.snapshots.save("x" * 1_001)
        assert [s.revision for s in await thread.snapshots.history()] == [1]

    async def test_a_destroyed_thread_has_none(self, store: AsyncStore) -> None:
        late = store.thread("t")
        await late.snapshots.save("a")
        await store.thread("t").destroy()
        assert not await store.thread("t").snapshots.exists()
        with pytest.raises(Gone):
            await late.snapshots.save("b")
        assert await store.thread("t").snapshots.save("new", if_revision=0) == 1


@pytest.mark.anyio
class TestSessions:
    """`store.sessions`: snapshots by session id."""

    async def test_save_load_has_delete(self, store: AsyncStore) -> None:
        sessions = store.sessions
        assert await sessions.load("s1") is None
        assert not await sessions.has("s1")
        assert not await sessions.delete("s1")
        assert await sessions.save("s1", IMAGE) == 1
        assert await sessions.load("s1") == IMAGE
        assert await sessions.has("s1")
        with pytest.raises(Conflict):
            await sessions.save("s1", "late", if_revision=0)
        assert await sessions.save("s1", "b", if_revision=1) == 2
        assert await store.thread("s1").snapshots.load() == "b"
        assert await sessions.delete("s1")
        assert not await sessions.has("s1")

    async def test_listing(self, store: AsyncStore, clock: AsyncClock) -> None:
        await store.thread("without").state.set("a", 1)
        for name in ("b:1", "a:1", "b:2"):
            await store.sessions.save(name, name)
            await clock.pass_(0.1)
        assert await store.sessions.list() == ["b:2", "a:1", "b:1"]
        assert await store.sessions.list(limit=2) == ["b:2", "a:1"]
        assert await store.sessions.list(prefix="b:") == ["b:1", "b:2"]
        assert await store.sessions.list(prefix="") == ["a:1", "b:1", "b:2"]
        await store.sessions.delete("a:1")
        await store.thread("b:1").destroy()
        assert await store.sessions.list() == ["b:2"]
