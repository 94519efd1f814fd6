"""Handlers of `thread.destroyed` that fail, and processes that die in one: both are called again."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from threadkeep._async.lifecycle import AsyncThreadEvent
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Gone, Unavailable
from threadkeep.model.leases import SECOND
from threadkeep.model.records import Swept
from threadkeep.ops.engine import Due
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.subject import AsyncSubject
from threadkeep.testing._async.witness import EVENT, AsyncWitness
from threadkeep.testing.needs import needs


@pytest.mark.anyio
@pytest.mark.usefixtures("quiet")
class TestFailingHandlers:
    """A handler that fails is called again, the others are not; the event keeps its id."""

    @pytest.fixture
    def quiet(self, caplog: pytest.LogCaptureFixture) -> None:
        """Keep reports of failing handlers, which are meant, out of the output."""
        caplog.set_level(logging.CRITICAL, logger="threadkeep")

    @needs("clock")
    async def test_retried_with_the_same_event_and_alone(
        self, leased: AsyncStore, clock: AsyncClock
    ) -> None:
        good, bad, last = AsyncWitness(), AsyncWitness(failures=3), AsyncWitness()
        for name, handler in (("good", good), ("bad", bad), ("last", last)):
            leased.on(EVENT, handler, name=name)
        await leased.thread("t").state.set("a", 1)
        clock.jump(11)
        assert await leased.sweep() == Swept(0, 1)
        assert await leased.sweep() == Swept(0, 0)
        for _ in range(3):
            assert await leased.thread("t").state.get("a") is None
            clock.jump(3_601)
            await leased.sweep()
        assert [len(w.events) for w in (good, bad, last)] == [1, 4, 1]
        assert {e.id for w in (good, bad, last) for e in w.events} == {good.events[0].id}
        assert {e.ended_at for e in bad.events} == {good.events[0].ended_at}
        assert bad.states == [{"a": 1}] * 4
        clock.jump(3_601)
        assert await leased.sweep() == Swept(0, 0)

    @needs("clock")
    async def test_tries_grow_rarer(self, leased: AsyncStore, clock: AsyncClock) -> None:
        bad = AsyncWitness(failures=1_000)
        leased.on(EVENT, bad)
        await leased.thread("t").state.set("a", 1)
        clock.jump(11)
        times: list[int] = []
        for second in range(0, 2_000, 5):
            before = len(bad.events)
            await leased.sweep()
            if len(bad.events) > before:
                times.append(second)
            clock.jump(5)
        pauses = [b - a for a, b in pairwise(times)]
        assert 3 <= len(times) <= 12
        assert pauses == sorted(pauses)

    async def test_it_does_not_stop_the_others(self, leased: AsyncStore, clock: AsyncClock) -> None:
        seen: list[str] = []

        async def handler(event: AsyncThreadEvent) -> None:
            seen.append(event.thread.id)
            if event.thread.id == "t3":
                raise RuntimeError("handler failed")

        leased.on(EVENT, handler)
        for number in range(6):
            await leased.thread(f"t{number}").state.set("a", 1)
        await clock.pass_(11)
        assert await leased.sweep() == Swept(5, 1)
        assert sorted(seen) == [f"t{number}" for number in range(6)]

    @needs("clock")
    async def test_a_thread_destroyed_under_a_failing_handler_is_gone(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        bad = AsyncWitness(failures=1)
        store.on(EVENT, bad)
        late = store.thread("t")
        await late.state.update({"a": 1, "b": 2})
        assert await store.thread("t").destroy() == 2
        assert await store.thread("t").state.get_all() == {}
        assert [t.id async for t in store.threads()] == []
        clock.jump(61)
        assert await store.sweep() == Swept(1, 0)
        assert [e.reason for e in bad.events] == ["destroyed", "destroyed"]
        assert len({e.id for e in bad.events}) == 1
        with pytest.raises(Gone):
            await late.state.set("a", 2)
        await store.thread("t").state.set("a", 3)

    async def test_nobody_begins_anew_before_the_end_is_told(
        self, leased: AsyncStore, clock: AsyncClock
    ) -> None:
        bad = AsyncWitness(failures=1_000)
        leased.on(EVENT, bad)
        await leased.thread("t").state.set("a", 1)
        await clock.pass_(11)
        with pytest.raises(Unavailable):
            await leased.thread("t").state.set("a", 2)
        assert await leased.thread("t").state.get("a") is None
        assert bad.states == [{"a": 1}]

    @needs("clock")
    async def test_when_a_process_dies_inside_another_goes_on(
        self, leased: AsyncStore, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        witness = AsyncWitness()
        leased.on(EVENT, witness)
        entity = subject.other("t")
        await leased.thread("t").state.set("a", 1)
        clock.jump(11)
        (dead,) = await entity.engine.claim(Due(lease=30 * SECOND, ref=entity.ref))
        assert await leased.sweep() == Swept(0, 0)
        clock.jump(31)
        assert await leased.sweep() == Swept(1, 0)
        assert witness.states == [{"a": 1}]
        assert witness.events[0].id.endswith(dead.epoch)
