"""`thread.destroyed`: handlers read the last state, once where nobody dies, again where somebody did."""

from __future__ import annotations

import logging

import pytest

from threadkeep._async.lifecycle import AsyncThreadEvent
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Gone, ThreadkeepError, Unavailable, UsageError
from threadkeep.model.leases import SECOND
from threadkeep.model.records import Swept
from threadkeep.ops.engine import Due
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.subject import AsyncSubject
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks

EVENT = "thread.destroyed"


class AsyncWitness:
    """A handler that remembers what it was told and saw; it fails as often as asked."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[AsyncThreadEvent] = []
        self.states: list[dict[str, object]] = []
        self._failures = failures

    async def __call__(self, event: AsyncThreadEvent) -> None:
        """Handle an event."""
        self.events.append(event)
        self.states.append(await event.thread.state.get_all())
        if self._failures:
            self._failures -= 1
            raise RuntimeError("handler failed")


@pytest.mark.anyio
class TestLifecycle:
    """Handlers run once per thread and see its last state."""

    async def test_an_expired_thread_is_invisible_and_readable_to_handlers(
        self, leased: AsyncStore, clock: AsyncClock
    ) -> None:
        witness = AsyncWitness()
        seen: list[object] = []

        async def handler(event: AsyncThreadEvent) -> None:
            thread = event.thread
            seen.append(await thread.messages.list(last=5))
            seen.append(await thread.snapshots.load())
            info = await thread.info()
            seen.append(None if info is None else (info.labels, info.fields, info.messages))
            seen.append(await leased.thread("t").state.get("a"))
            seen.append([t.id async for t in leased.threads()])

        leased.on(EVENT, witness)
        leased.on(EVENT, handler)
        thread = leased.thread("t")
        await thread.state.update({"a": 1, "b": [2]})
        await thread.messages.append("m1", "m2")
        await thread.snapshots.save("image")
        await thread.set_labels(user="alice")
        await clock.pass_(11)
        assert [t.id async for t in leased.threads()] == []
        assert await leased.sweep() == Swept(1, 0)
        assert witness.states == [{"a": 1, "b": [2]}]
        assert seen == [["m1", "m2"], "image", ({"user": "alice"}, 2, 2), None, []]
        (event,) = witness.events
        assert (event.name, event.reason, event.thread.id) == (EVENT, "expired", "t")
        assert event.ended_at <= clock.now()
        assert await leased.sweep() == Swept(0, 0)
        assert len(witness.events) == 1

    async def test_fields_that_had_run_out_before_are_not_there(
        self, leased: AsyncStore, clock: AsyncClock
    ) -> None:
        witness = AsyncWitness()
        leased.on(EVENT, witness)
        await leased.thread("t").state.set("short", 1, ttl=clock.span(3))
        await leased.thread("t").state.set("kept", 2)
        await clock.pass_(12)
        await leased.sweep()
        assert witness.states == [{"kept": 2}]

    @pytest.mark.parametrize("access", ["get", "set", "info", "list"])
    async def test_access_ends_an_expired_thread_first(
        self, leased: AsyncStore, clock: AsyncClock, access: str
    ) -> None:
        witness = AsyncWitness()
        leased.on(EVENT, witness)
        await leased.thread("t").state.set("a", 1)
        first = await leased.thread("t").info()
        await clock.pass_(11)
        thread = leased.thread("t")
        if access == "get":
            assert await thread.state.get("a") is None
        elif access == "info":
            assert await thread.info() is None
        elif access == "list":
            assert await thread.messages.list() == []
        else:
            await thread.state.set("b", 2)
        assert witness.states == [{"a": 1}]
        await thread.state.set("b", 2)
        second = await thread.info()
        assert first is not None and second is not None
        assert second.epoch != first.epoch
        assert await thread.state.get_all() == {"b": 2}
        await leased.sweep()
        assert len(witness.events) == 1

    async def test_a_handle_of_an_expired_thread_cannot_write(
        self, leased: AsyncStore, clock: AsyncClock
    ) -> None:
        late = leased.thread("t")
        await late.state.set("a", 1)
        await clock.pass_(11)
        with pytest.raises(Gone):
            await late.state.set("a", 2)
        assert await leased.thread("t").info() is None

    async def test_an_asked_for_end_is_told_too(self, store: AsyncStore) -> None:
        witness = AsyncWitness()
        store.on(EVENT, witness)
        await store.thread("t").state.update({"a": 1, "b": 2})
        await store.thread("t").messages.append("m")
        assert await store.thread("t").destroy() == 3
        assert witness.states == [{"a": 1, "b": 2}]
        assert witness.events[0].reason == "destroyed"
        assert await store.thread("t").info() is None
        assert await store.thread("t").destroy() == 0
        await store.sweep()
        assert len(witness.events) == 1

    async def test_only_threads_have_it(self, store: AsyncStore) -> None:
        witness = AsyncWitness()
        store.on(EVENT, witness)
        await store.user("u").state.set("a", 1)
        assert await store.user("u").destroy() == 1
        assert witness.events == []

    async def test_a_thread_whose_fields_all_ran_out_has_no_event(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        witness = AsyncWitness()
        store.on(EVENT, witness)
        await store.thread("t").state.set("a", 1, ttl=clock.span(1))
        await clock.pass_(2)
        assert await store.sweep() == Swept(0, 0)
        assert witness.events == []

    async def test_eight_sweepers_call_once(self, make_store: MakeStore, clock: AsyncClock) -> None:
        stores = [make_store(thread_ttl=clock.span(10)) for _ in range(8)]
        witnesses = [AsyncWitness() for _ in stores]
        for each, witness in zip(stores, witnesses, strict=True):
            each.on(EVENT, witness, name="witness")
        names = [f"t{number:03}" for number in range(100)]
        for name in names:
            await stores[0].thread(name).state.set("name", name)
        await clock.pass_(11)
        swept = await AsyncTasks.together(*[each.sweep for each in stores])
        assert sum(s.expired for s in swept) == 100
        events = [event for witness in witnesses for event in witness.events]
        assert sorted(event.thread.id for event in events) == names
        assert len({event.id for event in events}) == 100
        states = [state for witness in witnesses for state in witness.states]
        assert sorted(str(state["name"]) for state in states) == names

    async def test_what_expired_while_nobody_ran_is_caught_up(
        self, leased: AsyncStore, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        await leased.thread("t").state.set("a", 1)
        await clock.pass_(20)
        later = make_store()
        witness = AsyncWitness()
        later.on(EVENT, witness)
        async with later.sweeper(every=30):

            async def told() -> bool:
                return bool(witness.events)

            await AsyncTasks.until(told)
        assert witness.states == [{"a": 1}]

    async def test_the_sweeper_goes_on(self, leased: AsyncStore, clock: AsyncClock) -> None:
        witness = AsyncWitness()
        leased.on(EVENT, witness)
        async with leased.sweeper(every=0.01):
            for number in (1, 2):
                await leased.thread(f"t{number}").state.set("n", number)
                await clock.pass_(11)

                async def told(expected: int = number) -> bool:
                    return len(witness.states) == expected

                await AsyncTasks.until(told)
        assert witness.states == [{"n": 1}, {"n": 2}]

    async def test_handlers_can_be_taken_back(self, store: AsyncStore) -> None:
        gone, kept, decorated = AsyncWitness(), AsyncWitness(), list[str]()
        off = store.on(EVENT, gone)
        store.on(EVENT, kept)

        @store.on(EVENT)
        async def handler(event: AsyncThreadEvent) -> None:
            decorated.append(event.thread.id)

        off()
        off()
        await store.thread("t").state.set("a", 1)
        await store.thread("t").destroy()
        assert (len(gone.events), len(kept.events), decorated) == (0, 1, ["t"])
        assert callable(handler)

    async def test_what_cannot_be_registered(self, store: AsyncStore) -> None:
        store.on(EVENT, AsyncWitness(), name="one")
        with pytest.raises(UsageError):
            store.on(EVENT, AsyncWitness(), name="one")
        with pytest.raises(UsageError):
            store.on("thread.created", AsyncWitness())

    async def test_a_handler_cannot_change_the_last_state(
        self, leased: AsyncStore, clock: AsyncClock
    ) -> None:
        refused: list[str] = []

        async def handler(event: AsyncThreadEvent) -> None:
            for write in (
                lambda: event.thread.state.set("a", 2),
                lambda: event.thread.messages.append("m"),
                lambda: event.thread.set_labels(a="b"),
            ):
                try:
                    await write()
                except ThreadkeepError as error:
                    refused.append(type(error).__name__)

        leased.on(EVENT, handler)
        await leased.thread("t").state.set("a", 1)
        await clock.pass_(11)
        await leased.sweep()
        assert len(refused) == 3
        assert await leased.thread("t").info() is None


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
        for second in range(2_000):
            before = len(bad.events)
            await leased.sweep()
            if len(bad.events) > before:
                times.append(second)
            clock.jump(1)
        pauses = [b - a for a, b in zip(times, times[1:], strict=False)]
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
