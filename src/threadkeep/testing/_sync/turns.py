# Generated from src/threadkeep/testing/_async/turns.py by scripts/unasync. Do not edit.
"""`thread.turn()`: one writer at a time, in the order of asking, fenced."""

from __future__ import annotations

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import Conflict, Timeout, TurnLost, UsageError
from threadkeep.layers import turns
from threadkeep.model.leases import Sliding
from threadkeep.ops.ops import Get
from threadkeep.ops.reply import Fields
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.subject import Subject, answer
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Running, Tasks


class Flag:
    """Something that another task waits for."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        """Set it."""
        self.is_set = True

    def wait(self) -> None:
        """Wait until it is set."""

        def check() -> bool:
            return self.is_set

        Tasks.until(check)


class Holder:
    """A task that takes the turn and keeps it until it is told to go."""

    def __init__(self, thread: Thread, policy: str = "queue", lease: float = 30) -> None:
        self.has_it, self.may_go = Flag(), Flag()
        self.token = 0
        self.late_write: Exception | None = None
        self._thread, self._policy, self._lease = thread, policy, lease
        self._running: Running[None] = Tasks.begin(self._hold)

    def _hold(self) -> None:
        with self._thread.turn(self._policy, lease=self._lease) as turn:
            self.token = turn.token
            self._thread.state.set("holder", self.token)
            self.has_it.set()
            self.may_go.wait()
            try:
                self._thread.state.set("late", self.token)
            except TurnLost as error:
                self.late_write = error

    def end(self) -> None:
        """Tell it to go and see it gone."""
        self.may_go.set()
        self._running.result()


def waiting(subject: Subject, count: int) -> None:
    """Wait until so many callers hold the turn or wait for it."""

    def check() -> bool:
        reply = subject.run(Get("#turn", renew=False))
        return len(answer(reply, Fields).fields) == count

    Tasks.until(check)


class TestTurns:
    """The second caller queues, is rejected, or interrupts; a lost turn cannot write."""

    def test_a_turn_is_taken_and_given_back(self, thread: Thread) -> None:
        tokens: list[int] = []
        for policy in ("queue", "reject", "interrupt", "queue"):
            with thread.turn(policy) as turn:
                assert turn.held
                tokens.append(turn.token)
                thread.state.increment("n")
                thread.messages.append("m")
            assert not turn.held
        assert tokens == sorted(set(tokens))
        assert thread.state.get("n") == 4

    def test_callers_queue_in_the_order_of_asking(self, store: Store, subject: Subject) -> None:
        first = Holder(store.thread("subject"))
        first.has_it.wait()
        order: list[int] = []

        def take(number: int) -> None:
            with store.thread("subject").turn() as turn:
                order.append(number)
                store.thread("subject").state.push("tokens", turn.token)

        runs: list[Running[None]] = []
        for number in range(5):
            runs.append(Tasks.begin(lambda n=number: take(n)))
            waiting(subject, 2 + number)
        assert order == []
        first.end()
        for run in runs:
            run.result()
        assert order == [0, 1, 2, 3, 4]
        tokens = store.thread("subject").state.get("tokens")
        assert tokens == sorted(tokens)
        assert len(tokens) == 5

    def test_one_at_a_time(self, store: Store) -> None:
        inside: list[int] = []

        def work() -> None:
            thread = store.thread("t")
            for _ in range(3):
                with thread.turn():
                    inside.append(1)
                    assert len(inside) == 1
                    found = thread.state.get("n", 0)
                    Tasks.sleep(0.001)
                    thread.state.set("n", found + 1)
                    inside.pop()

        Tasks.together(*[work] * 4)
        assert store.thread("t").state.get("n") == 12

    def test_reject(self, store: Store, subject: Subject) -> None:
        holder = Holder(store.thread("subject"))
        holder.has_it.wait()
        with pytest.raises(Conflict):
            with store.thread("subject").turn("reject"):
                pytest.fail("a second turn was given")
        waiting(subject, 1)
        holder.end()
        assert holder.late_write is None
        with store.thread("subject").turn("reject"):
            pass

    def test_interrupt(self, store: Store) -> None:
        holder = Holder(store.thread("t"))
        holder.has_it.wait()
        with store.thread("t").turn("interrupt") as turn:
            assert turn.token > holder.token
            holder.end()
            assert isinstance(holder.late_write, TurnLost)
            store.thread("t").state.set("a", 1)
        assert store.thread("t").state.get_all() == {"a": 1, "holder": holder.token}

    def test_waiting_has_an_end(self, store: Store, subject: Subject) -> None:
        holder = Holder(store.thread("subject"))
        holder.has_it.wait()
        with pytest.raises(Timeout):
            with store.thread("subject").turn(timeout=0.02):
                pytest.fail("a second turn was given")
        waiting(subject, 1)
        holder.end()

    @needs("clock")
    def test_a_holder_that_slept_past_its_lease_cannot_write(
        self, store: Store, clock: Clock
    ) -> None:
        holder = Holder(store.thread("t"), lease=30)
        holder.has_it.wait()
        clock.jump(31)
        thread = store.thread("t")
        with thread.turn() as turn:
            assert turn.token > holder.token
            thread.state.set("next", 1)
            holder.end()
            thread.state.set("next", 2)
        assert isinstance(holder.late_write, TurnLost)
        assert thread.state.get_all() == {"holder": holder.token, "next": 2}

    @needs("clock")
    def test_a_lost_turn_writes_nothing_of_any_kind(self, thread: Thread, clock: Clock) -> None:
        thread.state.set("a", 1)
        thread.messages.append("m")
        with thread.turn(lease=30):
            clock.jump(31)
            for write in (
                lambda: thread.state.set("a", 2),
                lambda: thread.state.update({"b": 2}),
                lambda: thread.state.increment("n"),
                lambda: thread.state.push("list", 1),
                lambda: thread.state.delete("a"),
                lambda: thread.state.touch(),
                lambda: thread.messages.append("late"),
                lambda: thread.messages.pop(),
                lambda: thread.messages.clear(),
                lambda: thread.snapshots.save("late"),
                lambda: thread.set_labels(late="yes"),
                lambda: thread.destroy(),
            ):
                with pytest.raises(TurnLost):
                    write()
            assert thread.state.get_all() == {"a": 1}
        assert thread.messages.list() == ["m"]
        info = thread.info()
        assert info is not None and (info.labels, info.items) == ({}, 1)

    @needs("clock")
    def test_a_dead_holder_and_a_dead_waiter_are_passed_by(
        self, store: Store, subject: Subject, clock: Clock
    ) -> None:
        for plan in (
            turns.seize(subject.ref, "holder that died", Sliding(30)),
            turns.enqueue(subject.ref, "waiter that died", Sliding(30)),
        ):
            subject.engine.run(plan.batch)

        def take() -> int:
            with store.thread("subject").turn(lease=600) as turn:
                return turn.token

        taken = Tasks.begin(take)
        waiting(subject, 3)
        clock.jump(29)
        Tasks.sleep(0.02)
        assert not taken.done
        clock.jump(2)
        assert taken.result() > 2

    @needs("clock")
    def test_a_living_holder_keeps_its_turn(
        self, thread: Thread, subject: Subject, clock: Clock
    ) -> None:
        lease = 0.3  # renewed every 0.1 s of real time

        def renewed() -> bool:
            reply = subject.run(Get("#turn", ("holder",), renew=False))
            end = answer(reply, Fields).fields["holder"].end
            return end == clock.micros() + round(lease * 1_000_000)

        with thread.turn(lease=lease) as turn:
            for _ in range(4):
                clock.jump(0.2)
                Tasks.until(renewed)
            assert turn.held
            thread.state.set("a", 1)

    def test_an_error_inside_gives_the_turn_back(self, thread: Thread) -> None:
        with pytest.raises(KeyError, match="mine"):
            with thread.turn():
                raise KeyError("mine")
        with thread.turn("reject"):
            thread.state.set("a", 1)

    def test_a_turn_inside_a_turn_would_wait_for_itself(self, store: Store) -> None:
        with store.thread("t").turn(), store.thread("other").turn():
            for policy in ("queue", "reject", "interrupt"):
                with pytest.raises(UsageError):
                    with store.thread("t").turn(policy):
                        pytest.fail("a turn inside a turn")
            store.thread("t").state.set("a", 1)

    def test_turns_of_threads_are_apart(self, store: Store) -> None:
        holder = Holder(store.thread("a"))
        holder.has_it.wait()
        with store.thread("b").turn("reject"):
            store.thread("b").state.set("x", 1)
        holder.end()

    def test_a_turn_leaves_no_trace(self, thread: Thread) -> None:
        with thread.turn():
            pass
        assert thread.info() is None
        thread.state.set("a", 1)
        with thread.turn():
            info = thread.info()
        assert info is not None and (info.fields, info.items) == (1, 0)
        assert thread.state.get_all() == {"a": 1}

    @pytest.mark.parametrize("wrong", [{"policy": "wait"}, {"lease": 0}, {"lease": -1}], ids=str)
    def test_arguments_that_make_no_sense(self, thread: Thread, wrong: dict[str, object]) -> None:
        with pytest.raises(UsageError):
            thread.turn(**wrong)  # pyright: ignore[reportArgumentType] - what is refused
