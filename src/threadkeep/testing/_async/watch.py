"""Watching: a change, by whomever, reaches the watcher; several may come as one."""

from __future__ import annotations

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.model.records import Change
from threadkeep.ops.ops import Drop
from threadkeep.testing._async.fixtures import MakeStore, OpenEngine
from threadkeep.testing._async.subject import AsyncSubject
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncRunning, AsyncTasks


class AsyncWatcher:
    """Revisions of an entity as a watcher sees them, until one comes that it waits for."""

    def __init__(self, subject: AsyncSubject, until: int) -> None:
        self.seen: list[int] = []
        self._subject, self._until = subject, until
        self._running: AsyncRunning[None] = AsyncTasks.begin(self._watch)

    async def _watch(self) -> None:
        async for revision in self._subject.engine.watch(self._subject.ref):
            self.seen.append(revision)
            if revision == self._until and len(self.seen) > 1:
                return

    async def sees(self, revision: int) -> None:
        """Wait until it has seen this revision."""

        async def check() -> bool:
            return revision in self.seen

        await AsyncTasks.until(check)

    async def end(self) -> list[int]:
        """Wait for the end and return what it has seen."""
        await self._running.result()
        return self.seen


@needs("watch")
@pytest.mark.anyio
class TestWatch:
    """First what stands, then each change, coalesced."""

    async def test_the_first_is_what_stands(self, subject: AsyncSubject) -> None:
        for expected in (0, 1):
            watcher = AsyncWatcher(subject, expected + 1)
            await watcher.sees(expected)
            await subject.put(a=b"1")
            assert await watcher.end() == [expected, expected + 1]

    async def test_changes_come_in_order_and_the_last_always(self, subject: AsyncSubject) -> None:
        watcher = AsyncWatcher(subject, 200)
        await watcher.sees(0)
        for number in range(100):
            await subject.put(a=b"%d" % number)
            await subject.append(b"1")
        seen = await watcher.end()
        assert seen == sorted(set(seen))
        assert seen[-1] == 200

    async def test_the_end_of_the_entity_is_a_change(self, subject: AsyncSubject) -> None:
        await subject.put(a=b"1")
        await subject.put(a=b"2")
        watcher = AsyncWatcher(subject, 1)
        await watcher.sees(2)
        await subject.run(Drop())
        await watcher.sees(0)
        await subject.put(a=b"new")
        assert await watcher.end() == [2, 0, 1]

    async def test_others_are_not_seen(self, subject: AsyncSubject) -> None:
        watcher = AsyncWatcher(subject, 1)
        await watcher.sees(0)
        for _ in range(3):
            await subject.other("other").put(a=b"1")
            await subject.other(kind="user").put(a=b"1")
        await subject.put(a=b"1")
        assert await watcher.end() == [0, 1]

    async def test_reads_are_no_changes(self, subject: AsyncSubject) -> None:
        await subject.put(a=b"1")
        watcher = AsyncWatcher(subject, 2)
        await watcher.sees(1)
        await subject.values()
        await subject.info()
        await subject.put(b=b"1")
        assert await watcher.end() == [1, 2]

    async def test_several_watchers_all_see(self, subject: AsyncSubject) -> None:
        watchers = [AsyncWatcher(subject, 1) for _ in range(5)]
        for watcher in watchers:
            await watcher.sees(0)
        await subject.put(a=b"1")
        for watcher in watchers:
            assert await watcher.end() == [0, 1]

    @needs("processes")
    async def test_changes_by_another_process_are_seen(
        self, subject: AsyncSubject, open_engine: OpenEngine
    ) -> None:
        watcher = AsyncWatcher(subject, 2)
        await watcher.sees(0)
        elsewhere = AsyncSubject(await open_engine(), subject.ref)
        await elsewhere.put(a=b"1")
        await watcher.sees(1)
        await elsewhere.put(a=b"2")
        assert await watcher.end() == [0, 1, 2]

    async def test_a_thread_is_watched_for_changes(
        self, store: AsyncStore, make_store: MakeStore
    ) -> None:
        await store.thread("t").state.set("a", 1)
        seen: list[Change] = []

        async def watch() -> None:
            async for change in store.thread("t").watch(after=0):
                seen.append(change)
                if not change.exists:
                    return

        async def sees(revision: int) -> None:
            async def check() -> bool:
                return bool(seen) and seen[-1].revision == revision

            await AsyncTasks.until(check)

        running = AsyncTasks.begin(watch)
        await sees(1)
        await make_store().thread("t").messages.append("m")
        await sees(2)
        await store.thread("t").destroy()
        await running.result()
        assert seen == [
            Change(1, exists=True),
            Change(2, exists=True),
            Change(0, exists=False),
        ]

    async def test_a_watcher_may_go(self, thread: AsyncThread) -> None:
        for number in range(3):
            await thread.state.set("a", number)
            watching = thread.watch(after=0)
            change = await anext(watching)
            assert change == Change(number + 1, exists=True)
            await watching.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - it is a generator
        assert await thread.state.get("a") == 2
