"""`thread.turn()`: one writer at a time, in the order of asking, fenced."""

from __future__ import annotations

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Conflict, Timeout, TurnLost, UsageError
from threadkeep.layers import turns
from threadkeep.model.leases import Sliding
from threadkeep.ops.ops import Get
from threadkeep.ops.reply import Fields
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.subject import AsyncSubject, answer
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncRunning, AsyncTasks


class AsyncFlag:
    """Something that another task waits for."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        """Set it."""
        self.is_set = True

    async def wait(self) -> None:
        """Wait until it is set."""

        async def check() -> bool:
            return self.is_set

        await AsyncTasks.until(check)


class AsyncHolder:
    """A task that takes the turn and keeps it until it is told to go."""

    def __init__(self, thread: AsyncThread, policy: str = "queue", lease: float = 30) -> None:
        self.has_it, self.may_go = AsyncFlag(), AsyncFlag()
        self.token = 0
        self.late_write: Exception | None = None
        self._thread, self._policy, self._lease = thread, policy, lease
        self._running: AsyncRunning[None] = AsyncTasks.begin(self._hold)

    async def _hold(self) -> None:
        async with self._thread.turn(self._policy, lease=self._lease) as turn:
            self.token = turn.token
            await self._thread.state.set("holder", self.token)
            self.has_it.set()
            await self.may_go.wait()
            try:
                await self._thread.state.set("late", self.token)
            except TurnLost as error:
                self.late_write = error

    async def end(self) -> None:
        """Tell it to go and see it gone."""
        self.may_go.set()
        await self._running.result()


async def waiting(subject: AsyncSubject, count: int) -> None:
    """Wait until so many callers hold the turn or wait for it."""

    async def check() -> bool:
        reply = await subject.run(Get("#turn", renew=False))
        return len(answer(reply, Fields).fields) == count

    await AsyncTasks.until(check)


@pytest.mark.anyio
class TestTurns:
    """The second caller queues, is rejected, or interrupts; a lost turn cannot write."""

    async def test_a_turn_is_taken_and_given_back(self, thread: AsyncThread) -> None:
        tokens: list[int] = []
        for policy in ("queue", "reject", "interrupt", "queue"):
            async with thread.turn(policy) as turn:
                assert turn.held
                tokens.append(turn.token)
                await thread.state.increment("n")
                await thread.messages.append("m")
            assert not turn.held
        assert tokens == sorted(set(tokens))
        assert await thread.state.get("n") == 4

    async def test_callers_queue_in_the_order_of_asking(
        self, store: AsyncStore, subject: AsyncSubject
    ) -> None:
        first = AsyncHolder(store.thread("subject"))
        await first.has_it.wait()
        order: list[int] = []

        async def take(number: int) -> None:
            async with store.thread("subject").turn() as turn:
                order.append(number)
                await store.thread("subject").state.push("tokens", turn.token)

        runs: list[AsyncRunning[None]] = []
        for number in range(5):
            runs.append(AsyncTasks.begin(lambda n=number: take(n)))
            await waiting(subject, 2 + number)
        assert order == []
        await first.end()
        for run in runs:
            await run.result()
        assert order == [0, 1, 2, 3, 4]
        tokens = await store.thread("subject").state.get("tokens")
        assert tokens == sorted(tokens)
        assert len(tokens) == 5

    async def test_one_at_a_time(self, store: AsyncStore) -> None:
        inside: list[int] = []

        async def work() -> None:
            thread = store.thread("t")
            for _ in range(3):
                async with thread.turn():
                    inside.append(1)
                    assert len(inside) == 1
                    found = await thread.state.get("n", 0)
                    await AsyncTasks.sleep(0.001)
                    await thread.state.set("n", found + 1)
                    inside.pop()

        await AsyncTasks.together(*[work] * 4)
        assert await store.thread("t").state.get("n") == 12

    async def test_reject(self, store: AsyncStore, subject: AsyncSubject) -> None:
        holder = AsyncHolder(store.thread("subject"))
        await holder.has_it.wait()
        with pytest.raises(Conflict):
            async with store.thread("subject").turn("reject"):
                pytest.fail("a second turn was given")
        await waiting(subject, 1)
        await holder.end()
        assert holder.late_write is None
        async with store.thread("subject").turn("reject"):
            pass

    async def test_interrupt(self, store: AsyncStore) -> None:
        holder = AsyncHolder(store.thread("t"))
        await holder.has_it.wait()
        async with store.thread("t").turn("interrupt") as turn:
            assert turn.token > holder.token
            await holder.end()
            assert isinstance(holder.late_write, TurnLost)
            await store.thread("t").state.set("a", 1)
        assert await store.thread("t").state.get_all() == {"a": 1, "holder": holder.token}

    async def test_waiting_has_an_end(self, store: AsyncStore, subject: AsyncSubject) -> None:
        holder = AsyncHolder(store.thread("subject"))
        await holder.has_it.wait()
        with pytest.raises(Timeout):
            async with store.thread("subject").turn(timeout=0.02):
                pytest.fail("a second turn was given")
        await waiting(subject, 1)
        await holder.end()

    @needs("clock")
    async def test_a_holder_that_slept_past_its_lease_cannot_write(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        holder = AsyncHolder(store.thread("t"), lease=30)
        await holder.has_it.wait()
        clock.jump(31)
        thread = store.thread("t")
        async with thread.turn() as turn:
            assert turn.token > holder.token
            await thread.state.set("next", 1)
            await holder.end()
            await thread.state.set("next", 2)
        assert isinstance(holder.late_write, TurnLost)
        assert await thread.state.get_all() == {"holder": holder.token, "next": 2}

    @needs("clock")
    async def test_a_lost_turn_writes_nothing_of_any_kind(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        await thread.state.set("a", 1)
        await thread.messages.append("m")
        async with thread.turn(lease=30):
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
                    await write()
            assert await thread.state.get_all() == {"a": 1}
        assert await thread.messages.list() == ["m"]
        info = await thread.info()
        assert info is not None and (info.labels, info.items) == ({}, 1)

    @needs("clock")
    async def test_a_dead_holder_and_a_dead_waiter_are_passed_by(
        self, store: AsyncStore, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        for plan in (
            turns.seize(subject.ref, "holder that died", Sliding(30)),
            turns.enqueue(subject.ref, "waiter that died", Sliding(30)),
        ):
            await subject.engine.run(plan.batch)

        async def take() -> int:
            async with store.thread("subject").turn(lease=600) as turn:
                return turn.token

        taken = AsyncTasks.begin(take)
        await waiting(subject, 3)
        clock.jump(29)
        await AsyncTasks.sleep(0.02)
        assert not taken.done
        clock.jump(2)
        assert await taken.result() > 2

    @needs("clock")
    async def test_a_living_holder_keeps_its_turn(
        self, thread: AsyncThread, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        lease = 0.3  # renewed every 0.1 s of real time

        async def renewed() -> bool:
            reply = await subject.run(Get("#turn", ("holder",), renew=False))
            end = answer(reply, Fields).fields["holder"].end
            return end == clock.micros() + round(lease * 1_000_000)

        async with thread.turn(lease=lease) as turn:
            for _ in range(4):
                clock.jump(0.2)
                await AsyncTasks.until(renewed)
            assert turn.held
            await thread.state.set("a", 1)

    async def test_an_error_inside_gives_the_turn_back(self, thread: AsyncThread) -> None:
        with pytest.raises(KeyError, match="mine"):
            async with thread.turn():
                raise KeyError("mine")
        async with thread.turn("reject"):
            await thread.state.set("a", 1)

    async def test_a_turn_inside_a_turn_would_wait_for_itself(self, store: AsyncStore) -> None:
        async with store.thread("t").turn(), store.thread("other").turn():
            for policy in ("queue", "reject", "interrupt"):
                with pytest.raises(UsageError):
                    async with store.thread("t").turn(policy):
                        pytest.fail("a turn inside a turn")
            await store.thread("t").state.set("a", 1)

    async def test_turns_of_threads_are_apart(self, store: AsyncStore) -> None:
        holder = AsyncHolder(store.thread("a"))
        await holder.has_it.wait()
        async with store.thread("b").turn("reject"):
            await store.thread("b").state.set("x", 1)
        await holder.end()

    async def test_a_turn_leaves_no_trace(self, thread: AsyncThread) -> None:
        async with thread.turn():
            pass
        assert await thread.info() is None
        await thread.state.set("a", 1)
        async with thread.turn():
            info = await thread.info()
        assert info is not None and (info.fields, info.items) == (1, 0)
        assert await thread.state.get_all() == {"a": 1}

    @pytest.mark.parametrize("wrong", [{"policy": "wait"}, {"lease": 0}, {"lease": -1}], ids=str)
    async def test_arguments_that_make_no_sense(
        self, thread: AsyncThread, wrong: dict[str, object]
    ) -> None:
        with pytest.raises(UsageError):
            thread.turn(**wrong)  # pyright: ignore[reportArgumentType] - what is refused
