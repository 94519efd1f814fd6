# Generated from src/threadkeep/testing/_async/clocks.py by scripts/unasync. Do not edit.
"""A clock that jumps, forward or back: what was seen to have expired does not come back."""

from __future__ import annotations

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.lifecycle import ThreadEvent
from threadkeep._sync.store import Store
from threadkeep.errors import Gone
from threadkeep.model.leases import SECOND, Sliding
from threadkeep.ops.engine import Due
from threadkeep.ops.ops import Claimed, Drop, Get, Incr, Info, Touch
from threadkeep.ops.reply import Count, Fields, Number
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.subject import MAP, Subject, answer
from threadkeep.testing.needs import needs

DAY = 86_400
JUMPS = pytest.mark.parametrize("jump", [1, 3_600, DAY, 10 * 365 * DAY])


@needs("clock")
class TestClocks:
    """An entity's now is the later of the clock and its last update."""

    @JUMPS
    def test_an_expired_field_stays_away(self, subject: Subject, clock: Clock, jump: int) -> None:
        subject.put(Sliding(0.5), a=b"j41")
        subject.put(kept=b"1")
        clock.jump(jump)
        assert list(subject.fields()) == ["kept"]
        clock.jump(-jump)
        assert list(subject.fields()) == ["kept"]
        assert (subject.run(Incr(MAP, "a"))).results == (Number(1),)

    @JUMPS
    def test_a_field_that_a_write_passed_by_stays_away(
        self, subject: Subject, clock: Clock, jump: int
    ) -> None:
        subject.put(Sliding(0.5), a=b"1")
        clock.jump(jump)
        subject.put(other=b"2")
        clock.jump(-jump)
        assert list(subject.fields()) == ["other"]

    @JUMPS
    def test_a_jump_back_ends_nothing_early(self, thread: Thread, clock: Clock, jump: int) -> None:
        thread.state.set("a", 1, ttl=10)
        clock.jump(-jump)
        thread.state.set("b", 2, ttl=10)
        assert thread.state.get_all() == {"a": 1, "b": 2}
        clock.jump(jump + 9.9)
        assert thread.state.get_all(renew=False) == {"a": 1, "b": 2}
        clock.jump(0.2)
        assert thread.state.get_all() == {}

    @JUMPS
    def test_an_expired_thread_stays_away(
        self, make_store: MakeStore, clock: Clock, jump: int
    ) -> None:
        store = make_store(thread_ttl=0.5)
        store.thread("t").state.set("a", 1)
        clock.jump(jump)
        assert store.thread("t").state.get("a") is None
        clock.jump(-jump)
        assert store.thread("t").state.get("a") is None
        assert store.thread("t").info() is None
        assert [t.id for t in store.threads()] == []

    @JUMPS
    def test_a_claimed_entity_stays_away(self, subject: Subject, clock: Clock, jump: int) -> None:
        subject.put(a=b"1")
        subject.run(Touch(lease=Sliding(0.5)))
        clock.jump(jump)
        (claim,) = subject.engine.claim(Due(lease=30 * SECOND, ref=subject.ref))
        clock.jump(-jump)
        reply = subject.run(Get(MAP))
        assert reply.expired and answer(reply, Fields).fields == {}
        assert subject.engine.claim(Due(lease=30 * SECOND, ref=subject.ref)) == ()
        held = subject.run(Get(MAP), guards=[Claimed(claim.token)])
        assert list(answer(held, Fields).fields) == ["a"]
        reply = subject.run(Drop(), guards=[Claimed(claim.token)])
        assert reply.results == (Count(1),)

    @JUMPS
    def test_a_handler_during_which_the_clock_goes_back_is_called_once(
        self, make_store: MakeStore, clock: Clock, jump: int
    ) -> None:
        store: Store = make_store(thread_ttl=0.5)
        seen: list[object] = []

        def handler(event: ThreadEvent) -> None:
            clock.jump(-jump)
            seen.append(event.thread.state.get("a"))

        store.on("thread.destroyed", handler)
        store.thread("t").state.set("a", 1)
        clock.jump(jump)
        store.sweep()
        clock.jump(jump)
        store.sweep()
        assert seen == [1]
        assert store.thread("t").info() is None

    @JUMPS
    def test_what_was_destroyed_stays_so(self, store: Store, clock: Clock, jump: int) -> None:
        thread, late = store.thread("t"), store.thread("t")
        thread.state.set("a", 1)
        late.state.get("a")
        thread.destroy()
        clock.jump(-jump)
        with pytest.raises(Gone):
            late.state.set("a", 2)
        assert store.thread("t").info() is None

    @JUMPS
    def test_updates_never_go_back(self, subject: Subject, clock: Clock, jump: int) -> None:
        subject.put(a=b"1")
        before = subject.info()
        clock.jump(-jump)
        subject.put(a=b"2")
        subject.append(b"1")
        after = subject.info()
        assert before is not None and after is not None
        assert (after.updated, after.created) == (before.updated, before.created)
        assert (subject.items()).items[0].at == before.updated

    @JUMPS
    def test_a_listing_stays_whole(self, store: Store, clock: Clock, jump: int) -> None:
        for number in range(4):
            store.thread(f"before-{number}").state.set("a", 1)
        clock.jump(-jump)
        for number in range(4):
            store.thread(f"after-{number}").state.set("a", 1)
        store.thread("before-2").state.set("a", 2)
        listing, cursor = store.threads(limit=3), None
        found: list[str] = []
        while True:
            page = listing.page(cursor)
            found += [t.id for t in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        expected = [f"{when}-{n}" for when in ("after", "before") for n in range(4)]
        assert sorted(found) == expected

    def test_a_turn_outlives_a_jump_back(self, thread: Thread, clock: Clock) -> None:
        with thread.turn(lease=10):
            clock.jump(-3_600)
            thread.state.set("a", 1)
        assert thread.state.get("a") == 1

    def test_once_is_remembered_over_a_jump_back(self, subject: Subject, clock: Clock) -> None:
        subject.run(Incr(MAP, "n"), once="r1")
        clock.jump(-DAY)
        subject.run(Incr(MAP, "n"), once="r1")
        assert subject.values() == {"n": b"j1"}
        assert (subject.run(Info())).revision == 1
