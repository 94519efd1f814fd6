# Generated from src/threadkeep/testing/_async/watch.py by scripts/unasync. Do not edit.
"""Watching: a change, by whomever, reaches the watcher; several may come as one."""

from __future__ import annotations

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.model.records import Change
from threadkeep.ops.ops import Drop
from threadkeep.testing._sync.fixtures import MakeStore, OpenEngine
from threadkeep.testing._sync.subject import Subject
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Running, Tasks


class Watcher:
    """Revisions of an entity as a watcher sees them, until one comes that it waits for."""

    def __init__(self, subject: Subject, until: int) -> None:
        self.seen: list[int] = []
        self._subject, self._until = subject, until
        self._running: Running[None] = Tasks.begin(self._watch)

    def _watch(self) -> None:
        for revision in self._subject.engine.watch(self._subject.ref):
            self.seen.append(revision)
            if revision == self._until and len(self.seen) > 1:
                return

    def sees(self, revision: int) -> None:
        """Wait until it has seen this revision."""

        def check() -> bool:
            return revision in self.seen

        Tasks.until(check)

    def end(self) -> list[int]:
        """Wait for the end and return what it has seen."""
        self._running.result()
        return self.seen


@needs("watch")
class TestWatch:
    """First what stands, then each change, coalesced."""

    def test_the_first_is_what_stands(self, subject: Subject) -> None:
        for expected in (0, 1):
            watcher = Watcher(subject, expected + 1)
            watcher.sees(expected)
            subject.put(a=b"1")
            assert watcher.end() == [expected, expected + 1]

    def test_changes_come_in_order_and_the_last_always(self, subject: Subject) -> None:
        watcher = Watcher(subject, 200)
        watcher.sees(0)
        for number in range(100):
            subject.put(a=b"%d" % number)
            subject.append(b"1")
        seen = watcher.end()
        assert seen == sorted(set(seen))
        assert seen[-1] == 200

    def test_the_end_of_the_entity_is_a_change(self, subject: Subject) -> None:
        subject.put(a=b"1")
        subject.put(a=b"2")
        watcher = Watcher(subject, 1)
        watcher.sees(2)
        subject.run(Drop())
        watcher.sees(0)
        subject.put(a=b"new")
        assert watcher.end() == [2, 0, 1]

    def test_others_are_not_seen(self, subject: Subject) -> None:
        watcher = Watcher(subject, 1)
        watcher.sees(0)
        for _ in range(3):
            subject.other("other").put(a=b"1")
            subject.other(kind="user").put(a=b"1")
        subject.put(a=b"1")
        assert watcher.end() == [0, 1]

    def test_reads_are_no_changes(self, subject: Subject) -> None:
        subject.put(a=b"1")
        watcher = Watcher(subject, 2)
        watcher.sees(1)
        subject.values()
        subject.info()
        subject.put(b=b"1")
        assert watcher.end() == [1, 2]

    def test_several_watchers_all_see(self, subject: Subject) -> None:
        watchers = [Watcher(subject, 1) for _ in range(5)]
        for watcher in watchers:
            watcher.sees(0)
        subject.put(a=b"1")
        for watcher in watchers:
            assert watcher.end() == [0, 1]

    @needs("processes")
    def test_changes_by_another_process_are_seen(
        self, subject: Subject, open_engine: OpenEngine
    ) -> None:
        watcher = Watcher(subject, 2)
        watcher.sees(0)
        elsewhere = Subject(open_engine(), subject.ref)
        elsewhere.put(a=b"1")
        watcher.sees(1)
        elsewhere.put(a=b"2")
        assert watcher.end() == [0, 1, 2]

    def test_a_thread_is_watched_for_changes(self, store: Store, make_store: MakeStore) -> None:
        store.thread("t").state.set("a", 1)
        seen: list[Change] = []

        def watch() -> None:
            for change in store.thread("t").watch(after=0):
                seen.append(change)
                if not change.exists:
                    return

        def sees(revision: int) -> None:
            def check() -> bool:
                return bool(seen) and seen[-1].revision == revision

            Tasks.until(check)

        running = Tasks.begin(watch)
        sees(1)
        make_store().thread("t").messages.append("m")
        sees(2)
        store.thread("t").destroy()
        running.result()
        assert seen == [
            Change(1, exists=True),
            Change(2, exists=True),
            Change(0, exists=False),
        ]

    def test_a_watcher_may_go(self, thread: Thread) -> None:
        for number in range(3):
            thread.state.set("a", number)
            watching = thread.watch(after=0)
            change = next(watching)
            assert change == Change(number + 1, exists=True)
            watching.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - it is a generator
        assert thread.state.get("a") == 2
