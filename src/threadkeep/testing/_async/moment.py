"""The engine's time, as it tells it."""

from __future__ import annotations

import pytest

from threadkeep.model.leases import SECOND, Lease
from threadkeep.ops.ops import Get, Info, Missing, Now, Set, Touch
from threadkeep.ops.reply import Fields, Moment
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.subject import MAP, AsyncSubject, answer
from threadkeep.testing.needs import needs

DAY = 86_400
WINDOW = 60 * SECOND


@pytest.mark.anyio
class TestMoment:
    """`Now` is the time by which the leases of the same batch run."""

    async def test_leases_run_by_it(self, subject: AsyncSubject) -> None:
        reply = await subject.run(Now(), Set(MAP, {"a": b"1"}, Lease(window=WINDOW)))
        at = answer(reply, Moment).at
        assert (await subject.fields())["a"].end == at + WINDOW
        reply = await subject.run(Get(MAP, renew=False), Now())
        assert answer(reply, Fields).fields["a"].end == at + WINDOW
        assert answer(reply, Moment, 1).at >= at

    async def test_there_is_one_where_nothing_stands(self, subject: AsyncSubject) -> None:
        at = answer(await subject.run(Now()), Moment).at
        guards = [Missing(MAP, "a")]
        await subject.run(Set(MAP, {"a": b"1"}, Lease(window=WINDOW)), guards=guards)
        assert (await subject.fields())["a"].end in range(at + WINDOW, at + 2 * WINDOW)
        refused = await subject.run(Set(MAP, {"a": b"2"}), guards=guards, otherwise=[Now()])
        assert answer(refused, Moment).at >= at

    async def test_it_comes_with_named_fields(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        reply = await subject.run(Get(MAP, ("a", "b")), Now())
        assert answer(reply, Fields).fields == {}
        assert answer(reply, Moment, 1).at > 0
        await subject.put(clock.lease(10), a=b"1")
        await clock.pass_(6)
        reply = await subject.run(Get(MAP, ("b", "a")), Now())  # renews
        at = answer(reply, Moment, 1).at
        (field,) = answer(reply, Fields).fields.values()
        assert field.window is not None
        assert (await subject.fields("a"))["a"].end == at + field.window
        await clock.pass_(11)
        reply = await subject.run(Get(MAP, ("a",)), Now())
        assert answer(reply, Fields).fields == {}
        assert answer(reply, Moment, 1).at > at

    async def test_to_ask_renews_nothing(self, subject: AsyncSubject, clock: AsyncClock) -> None:
        await subject.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(10)))
        await clock.pass_(6)
        await subject.run(Now())
        await clock.pass_(6)
        reply = await subject.run(Now(), Info())
        assert reply.expired
        assert answer(reply, Moment).at > 0

    @needs("clock")
    async def test_it_does_not_go_back_behind_a_write(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.put(a=b"1")
        at = answer(await subject.run(Now()), Moment).at
        clock.jump(-DAY)
        assert answer(await subject.run(Now()), Moment).at == at
