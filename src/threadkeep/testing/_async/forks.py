"""`thread.fork()`: a copy that goes its own way."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Conflict, NotFound, UsageError
from threadkeep.layers import directory
from threadkeep.model.leases import FOREVER
from threadkeep.ops.ops import Append, Get, Set
from threadkeep.ops.reply import Fields
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.subject import LOG, AsyncSubject, answer
from threadkeep.testing.tasks import AsyncTasks


@pytest.mark.anyio
class TestForks:
    """Fields keep their ends, messages their numbers."""

    @pytest.fixture
    async def full(self, thread: AsyncThread, clock: AsyncClock) -> AsyncThread:
        """Return a thread with something of everything."""
        await thread.state.set("short", 1, ttl=clock.span(20))
        await thread.state.set("fixed", 2, expires_at=clock.after(20))
        await thread.state.set("kept", {"raw": b"\x00"})
        await thread.messages.append({"id": "m1", "content": "a"}, "b", "c")
        await thread.messages.pop()
        await thread.messages.append("d")
        await thread.snapshots.save("image 1")
        await thread.snapshots.save("image 2")
        await thread.set_labels(user="alice")
        return thread

    async def test_everything_comes_along(self, full: AsyncThread, clock: AsyncClock) -> None:
        await clock.pass_(1)
        copy = await full.fork("copy")
        assert copy.id == "copy"
        assert await copy.messages.entries() == await full.messages.entries()
        assert [m.seq for m in await copy.messages.entries()] == [1, 2, 4]
        assert await copy.snapshots.history() == await full.snapshots.history()
        assert await copy.snapshots.load() == "image 2"
        mine, theirs = await full.state.entries(), await copy.state.entries()
        assert list(mine) == list(theirs) == ["fixed", "kept", "short"]
        for name, entry in mine.items():
            assert entry.value == theirs[name].value
            assert (entry.lease, entry.expires_at) == (theirs[name].lease, theirs[name].expires_at)
        one, other = await full.info(), await copy.info()
        assert one is not None and other is not None
        assert other.labels == one.labels == {"user": "alice"}
        assert (other.fields, other.items, other.messages) == (one.fields, one.items, one.messages)
        assert other.epoch != one.epoch
        assert other.created_at > one.created_at

    async def test_leases_go_on_where_they_were(self, full: AsyncThread, clock: AsyncClock) -> None:
        await clock.pass_(14)
        copy = await full.fork("copy")
        await clock.pass_(7)
        assert await copy.state.keys() == ["kept"]

    async def test_both_go_their_own_way(self, full: AsyncThread) -> None:
        copy = await full.fork("copy")
        await copy.state.set("kept", "changed")
        assert (await copy.messages.append("new", "again", ids=["m9", "m1"])).skipped == ("m1",)
        await full.messages.append("other")
        await copy.snapshots.save("image 3", if_revision=2)
        assert await full.state.get("kept") == {"raw": b"\x00"}
        assert await full.messages.list(last=1) == ["other"]
        assert await copy.messages.list(last=1) == ["new"]
        assert await full.snapshots.load() == "image 2"
        await full.destroy()
        assert await copy.messages.count() == 4

    @pytest.mark.parametrize(
        ("at", "seqs"), [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 2]), (9, [1, 2, 4])]
    )
    async def test_at_leaves_later_messages_out(
        self, full: AsyncThread, at: int, seqs: list[int]
    ) -> None:
        copy = await full.fork("copy", at=at)
        assert [m.seq for m in await copy.messages.entries()] == seqs
        assert await copy.messages.count() == len(seqs)
        assert await copy.snapshots.load() == "image 2"
        assert (await copy.messages.append("next")).seqs == (min(at, 4) + 1,)
        assert [m.seq for m in await full.messages.entries()] == [1, 2, 4]

    async def test_what_stands_is_not_written_over(
        self, full: AsyncThread, store: AsyncStore
    ) -> None:
        await store.thread("copy").state.set("a", 1)
        for name in ("copy", "subject"):
            with pytest.raises(Conflict):
                await full.fork(name)
        assert await store.thread("copy").state.get_all() == {"a": 1}
        assert await store.thread("copy").messages.count() == 0

    async def test_of_concurrent_forks_one_wins(self, full: AsyncThread) -> None:
        outcomes = await AsyncTasks.outcomes(*[lambda: full.fork("copy")] * 4)
        assert sum(isinstance(o, Conflict) for o in outcomes) == 3
        assert sum(isinstance(o, AsyncThread) for o in outcomes) == 1

    async def test_forks_that_make_no_sense(self, full: AsyncThread, store: AsyncStore) -> None:
        with pytest.raises(NotFound):
            await store.thread("never").fork("copy")
        wrong: Any
        for wrong in (-1, 1.5, "1", True):
            with pytest.raises(UsageError):
                await full.fork("copy", at=wrong)
        assert await store.thread("copy").info() is None

    async def test_a_turn_is_not_copied(self, full: AsyncThread) -> None:
        async with full.turn():
            copy = await full.fork("copy")
            async with copy.turn("reject"):
                await copy.state.set("a", 1)
        assert await copy.state.get("a") == 1

    async def test_links_come_along(self, subject: AsyncSubject, store: AsyncStore) -> None:
        links = {"entry": ("b1",)}
        await subject.run(
            Set("blobs", {"b1": b"x"}),
            Set("index", {"entry": b"e"}, FOREVER, refs=links),
            Append(LOG, (b"j1",), refs=(("b1",),)),
        )
        await store.thread("subject").fork("copy")
        copy = subject.other("copy")
        reply = await copy.run(Get("index", refs="blobs"))
        assert list(answer(reply, Fields).linked) == ["b1"]
        assert (await copy.items()).items[0].refs == ("b1",)

    async def test_a_copy_elsewhere_is_the_same(
        self, full: AsyncThread, subject: AsyncSubject, make_store: MakeStore, namespace: str
    ) -> None:
        known = await subject.info()
        assert known is not None
        plan = directory.contents(subject.ref, known)
        ops = plan.decode(await subject.engine.run(plan.batch))
        there = subject.other("elsewhere", namespace=f"{namespace}-b")
        created = directory.create(there.ref, ops)
        assert created.decode(await subject.engine.run(created.batch)) == 1
        with pytest.raises(Conflict):
            created.decode(await subject.engine.run(created.batch))
        copy = make_store(namespace=f"{namespace}-b").thread("elsewhere")
        assert await copy.messages.entries() == await full.messages.entries()
        assert await copy.state.get_all() == await full.state.get_all()
        assert await copy.snapshots.history() == await full.snapshots.history()
