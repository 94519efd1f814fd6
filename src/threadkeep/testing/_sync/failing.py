# Generated from src/threadkeep/testing/_async/failing.py by scripts/unasync. Do not edit.
"""Handlers of `thread.destroyed` that fail, and processes that die in one: both are called again."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from threadkeep._sync.lifecycle import ThreadEvent
from threadkeep._sync.store import Store
from threadkeep.errors import Gone, Unavailable
from threadkeep.model.leases import SECOND
from threadkeep.model.records import Swept
from threadkeep.ops.engine import Due
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.subject import Subject
from threadkeep.testing._sync.witness import EVENT, Witness
from threadkeep.testing.needs import needs


@pytest.mark.usefixtures("quiet")
class TestFailingHandlers:
    """A handler that fails is called again, the others are not; the event keeps its id."""

    @pytest.fixture
    def quiet(self, caplog: pytest.LogCaptureFixture) -> None:
        """Keep reports of failing handlers, which are meant, out of the output."""
        caplog.set_level(logging.CRITICAL, logger="threadkeep")

    @needs("clock")
    def test_retried_with_the_same_event_and_alone(self, leased: Store, clock: Clock) -> None:
        good, bad, last = Witness(), Witness(failures=3), Witness()
        for name, handler in (("good", good), ("bad", bad), ("last", last)):
            leased.on(EVENT, handler, name=name)
        leased.thread("t").state.set("a", 1)
        clock.jump(11)
        assert leased.sweep() == Swept(0, 1)
        assert leased.sweep() == Swept(0, 0)
        for _ in range(3):
            assert leased.thread("t").state.get("a") is None
            clock.jump(3_601)
            leased.sweep()
        assert [len(w.events) for w in (good, bad, last)] == [1, 4, 1]
        assert {e.id for w in (good, bad, last) for e in w.events} == {good.events[0].id}
        assert {e.ended_at for e in bad.events} == {good.events[0].ended_at}
        assert bad.states == [{"a": 1}] * 4
        clock.jump(3_601)
        assert leased.sweep() == Swept(0, 0)

    @needs("clock")
    def test_tries_grow_rarer(self, leased: Store, clock: Clock) -> None:
        bad = Witness(failures=1_000)
        leased.on(EVENT, bad)
        leased.thread("t").state.set("a", 1)
        clock.jump(11)
        times: list[int] = []
        for second in range(0, 2_000, 5):
            before = len(bad.events)
            leased.sweep()
            if len(bad.events) > before:
                times.append(second)
            clock.jump(5)
        pauses = [b - a for a, b in pairwise(times)]
        assert 3 <= len(times) <= 12
        assert pauses == sorted(pauses)

    def test_it_does_not_stop_the_others(self, leased: Store, clock: Clock) -> None:
        seen: list[str] = []

        def handler(event: ThreadEvent) -> None:
            seen.append(event.thread.id)
            if event.thread.id == "t3":
                raise RuntimeError("handler failed")

        leased.on(EVENT, handler)
        for number in range(6):
            leased.thread(f"t{number}").state.set("a", 1)
        clock.pass_(11)
        assert leased.sweep() == Swept(5, 1)
        assert sorted(seen) == [f"t{number}" for number in range(6)]

    @needs("clock")
    def test_a_thread_destroyed_under_a_failing_handler_is_gone(
        self, store: Store, clock: Clock
    ) -> None:
        bad = Witness(failures=1)
        store.on(EVENT, bad)
        late = store.thread("t")
        late.state.update({"a": 1, "b": 2})
        assert store.thread("t").destroy() == 2
        assert store.thread("t").state.get_all() == {}
        assert [t.id for t in store.threads()] == []
        clock.jump(61)
        assert store.sweep() == Swept(1, 0)
        assert [e.reason for e in bad.events] == ["destroyed", "destroyed"]
        assert len({e.id for e in bad.events}) == 1
        with pytest.raises(Gone):
            late.state.set("a", 2)
        store.thread("t").state.set("a", 3)

    def test_nobody_begins_anew_before_the_end_is_told(self, leased: Store, clock: Clock) -> None:
        bad = Witness(failures=1_000)
        leased.on(EVENT, bad)
        leased.thread("t").state.set("a", 1)
        clock.pass_(11)
        with pytest.raises(Unavailable):
            leased.thread("t").state.set("a", 2)
        assert leased.thread("t").state.get("a") is None
        assert bad.states == [{"a": 1}]

    @needs("clock")
    def test_when_a_process_dies_inside_another_goes_on(
        self, leased: Store, subject: Subject, clock: Clock
    ) -> None:
        witness = Witness()
        leased.on(EVENT, witness)
        entity = subject.other("t")
        leased.thread("t").state.set("a", 1)
        clock.jump(11)
        (dead,) = entity.engine.claim(Due(lease=30 * SECOND, ref=entity.ref))
        assert leased.sweep() == Swept(0, 0)
        clock.jump(31)
        assert leased.sweep() == Swept(1, 0)
        assert witness.states == [{"a": 1}]
        assert witness.events[0].id.endswith(dead.epoch)
