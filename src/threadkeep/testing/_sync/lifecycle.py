# Generated from src/threadkeep/testing/_async/lifecycle.py by scripts/unasync. Do not edit.
"""`thread.destroyed`: handlers read the last state, once."""

from __future__ import annotations

import pytest

from threadkeep._sync.lifecycle import ThreadEvent
from threadkeep._sync.store import Store
from threadkeep.errors import Gone, ThreadkeepError, UsageError
from threadkeep.model.records import Swept
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.witness import EVENT, Witness
from threadkeep.testing.tasks import Tasks


class TestLifecycle:
    """Handlers run once per thread and see its last state."""

    def test_an_expired_thread_is_invisible_and_readable_to_handlers(
        self, leased: Store, clock: Clock
    ) -> None:
        witness = Witness()
        seen: list[object] = []

        def handler(event: ThreadEvent) -> None:
            thread = event.thread
            seen.append(thread.messages.list(last=5))
            seen.append(thread.snapshots.load())
            info = thread.info()
            seen.append(None if info is None else (info.labels, info.fields, info.messages))
            seen.append(leased.thread("t").state.get("a"))
            seen.append([t.id for t in leased.threads()])

        leased.on(EVENT, witness)
        leased.on(EVENT, handler)
        thread = leased.thread("t")
        thread.state.update({"a": 1, "b": [2]})
        thread.messages.append("m1", "m2")
        thread.snapshots.save("image")
        thread.set_labels(user="alice")
        clock.pass_(11)
        assert [t.id for t in leased.threads()] == []
        assert leased.sweep() == Swept(1, 0)
        assert witness.states == [{"a": 1, "b": [2]}]
        assert seen == [["m1", "m2"], "image", ({"user": "alice"}, 2, 2), None, []]
        (event,) = witness.events
        assert (event.name, event.reason, event.thread.id) == (EVENT, "expired", "t")
        assert event.ended_at <= clock.now()
        assert leased.sweep() == Swept(0, 0)
        assert len(witness.events) == 1

    def test_fields_that_had_run_out_before_are_not_there(
        self, leased: Store, clock: Clock
    ) -> None:
        witness = Witness()
        leased.on(EVENT, witness)
        leased.thread("t").state.set("short", 1, ttl=clock.span(3))
        leased.thread("t").state.set("kept", 2)
        clock.pass_(12)
        leased.sweep()
        assert witness.states == [{"kept": 2}]

    @pytest.mark.parametrize("access", ["get", "set", "info", "list"])
    def test_access_ends_an_expired_thread_first(
        self, leased: Store, clock: Clock, access: str
    ) -> None:
        witness = Witness()
        leased.on(EVENT, witness)
        leased.thread("t").state.set("a", 1)
        first = leased.thread("t").info()
        clock.pass_(11)
        thread = leased.thread("t")
        if access == "get":
            assert thread.state.get("a") is None
        elif access == "info":
            assert thread.info() is None
        elif access == "list":
            assert thread.messages.list() == []
        else:
            thread.state.set("b", 2)
        assert witness.states == [{"a": 1}]
        thread.state.set("b", 2)
        second = thread.info()
        assert first is not None and second is not None
        assert second.epoch != first.epoch
        assert thread.state.get_all() == {"b": 2}
        leased.sweep()
        assert len(witness.events) == 1

    def test_a_handle_of_an_expired_thread_cannot_write(self, leased: Store, clock: Clock) -> None:
        late = leased.thread("t")
        late.state.set("a", 1)
        clock.pass_(11)
        with pytest.raises(Gone):
            late.state.set("a", 2)
        assert leased.thread("t").info() is None

    def test_an_asked_for_end_is_told_too(self, store: Store) -> None:
        witness = Witness()
        store.on(EVENT, witness)
        store.thread("t").state.update({"a": 1, "b": 2})
        store.thread("t").messages.append("m")
        assert store.thread("t").destroy() == 3
        assert witness.states == [{"a": 1, "b": 2}]
        assert witness.events[0].reason == "destroyed"
        assert store.thread("t").info() is None
        assert store.thread("t").destroy() == 0
        store.sweep()
        assert len(witness.events) == 1

    def test_only_threads_have_it(self, store: Store) -> None:
        witness = Witness()
        store.on(EVENT, witness)
        store.user("u").state.set("a", 1)
        assert store.user("u").destroy() == 1
        assert witness.events == []

    def test_a_thread_whose_fields_all_ran_out_has_no_event(
        self, store: Store, clock: Clock
    ) -> None:
        witness = Witness()
        store.on(EVENT, witness)
        store.thread("t").state.set("a", 1, ttl=clock.span(1))
        clock.pass_(2)
        assert store.sweep() == Swept(0, 0)
        assert witness.events == []

    def test_eight_sweepers_call_once(self, make_store: MakeStore, clock: Clock) -> None:
        stores = [make_store(thread_ttl=clock.span(10)) for _ in range(8)]
        witnesses = [Witness() for _ in stores]
        for each, witness in zip(stores, witnesses, strict=True):
            each.on(EVENT, witness, name="witness")
        names = [f"t{number:03}" for number in range(100)]
        for name in names:
            stores[0].thread(name).state.set("name", name)
        clock.pass_(11)
        swept = Tasks.together(*[each.sweep for each in stores])
        assert sum(s.expired for s in swept) == 100
        events = [event for witness in witnesses for event in witness.events]
        assert sorted(event.thread.id for event in events) == names
        assert len({event.id for event in events}) == 100
        states = [state for witness in witnesses for state in witness.states]
        assert sorted(str(state["name"]) for state in states) == names

    def test_what_expired_while_nobody_ran_is_caught_up(
        self, leased: Store, make_store: MakeStore, clock: Clock
    ) -> None:
        leased.thread("t").state.set("a", 1)
        clock.pass_(20)
        later = make_store()
        witness = Witness()
        later.on(EVENT, witness)
        with later.sweeper(every=30):

            def told() -> bool:
                return bool(witness.events)

            Tasks.until(told)
        assert witness.states == [{"a": 1}]

    def test_the_sweeper_goes_on(self, leased: Store, clock: Clock) -> None:
        witness = Witness()
        leased.on(EVENT, witness)
        with leased.sweeper(every=0.01):
            for number in (1, 2):
                leased.thread(f"t{number}").state.set("n", number)
                clock.pass_(11)

                def told(expected: int = number) -> bool:
                    return len(witness.states) == expected

                Tasks.until(told)
        assert witness.states == [{"n": 1}, {"n": 2}]

    def test_handlers_can_be_taken_back(self, store: Store) -> None:
        gone, kept, decorated = Witness(), Witness(), list[str]()
        off = store.on(EVENT, gone)
        store.on(EVENT, kept)

        @store.on(EVENT)
        def handler(event: ThreadEvent) -> None:
            decorated.append(event.thread.id)

        off()
        off()
        store.thread("t").state.set("a", 1)
        store.thread("t").destroy()
        assert (len(gone.events), len(kept.events), decorated) == (0, 1, ["t"])
        assert callable(handler)

    def test_what_cannot_be_registered(self, store: Store) -> None:
        store.on(EVENT, Witness(), name="one")
        with pytest.raises(UsageError):
            store.on(EVENT, Witness(), name="one")
        with pytest.raises(UsageError):
            store.on("thread.created", Witness())

    def test_a_handler_cannot_change_the_last_state(self, leased: Store, clock: Clock) -> None:
        refused: list[str] = []

        def handler(event: ThreadEvent) -> None:
            for write in (
                lambda: event.thread.state.set("a", 2),
                lambda: event.thread.messages.append("m"),
                lambda: event.thread.set_labels(a="b"),
            ):
                try:
                    write()
                except ThreadkeepError as error:
                    refused.append(type(error).__name__)

        leased.on(EVENT, handler)
        leased.thread("t").state.set("a", 1)
        clock.pass_(11)
        leased.sweep()
        assert len(refused) == 3
        assert leased.thread("t").info() is None
