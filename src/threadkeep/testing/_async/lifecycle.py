"""`thread.destroyed`: handlers read the last state, once."""

from __future__ import annotations

import pytest

from threadkeep._async.lifecycle import AsyncThreadEvent
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Gone, ThreadkeepError, UsageError
from threadkeep.model.records import Swept
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.witness import EVENT, AsyncWitness
from threadkeep.testing.tasks import AsyncTasks


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
