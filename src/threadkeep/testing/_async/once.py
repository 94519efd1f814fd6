"""A batch with a request id that is sent again has one effect and the same reply."""

from __future__ import annotations

import pytest

from threadkeep.errors import UsageError
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import (
    AnyOp,
    Append,
    Cut,
    Del,
    Drop,
    Get,
    Incr,
    Label,
    Missing,
    Read,
    Revision,
    Set,
)
from threadkeep.ops.reply import Count, Items, Number
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.subject import LOG, MAP, AsyncSubject, answer
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks

EFFECTS: dict[str, tuple[AnyOp, ...]] = {
    "set": (Set(MAP, {"a": b"9"}),),
    "set absent": (Set(MAP, {"a": b"9", "x": b"9"}, absent_only=True),),
    "delete": (Del(MAP, ("a", "never")),),
    "increment": (Incr(MAP, "n", 5),),
    "append": (Append(LOG, (b"8", b"9"), ("m1", "m9")),),
    "cut": (Cut(LOG, keep=1),),
    "label": (Label({"user": "alice"}),),
    "several": (Set(MAP, {"a": b"9"}), Incr(MAP, "n"), Append(LOG, (b"9",)), Cut(LOG, newest=1)),
}


@pytest.mark.anyio
class TestOnce:
    """The engine remembers a request id with the results, inside the entity."""

    @pytest.mark.parametrize("what", EFFECTS)
    async def test_sent_again_it_has_one_effect_and_the_same_reply(
        self, subject: AsyncSubject, what: str
    ) -> None:
        await subject.run(
            Set(MAP, {"a": b"1", "n": b"j1"}), Append(LOG, (b"1", b"2"), ("m1", "m2"))
        )
        first = await subject.run(*EFFECTS[what], once="request")
        assert (first.ok, first.repeated, first.changed) == (True, False, True)
        state = (await subject.info(), await subject.values(), await subject.log())
        for _ in range(3):
            again = await subject.run(*EFFECTS[what], once="request")
            assert (again.ok, again.repeated, again.changed) == (True, True, False)
            assert again.results == first.results
            assert (again.revision, again.epoch) == (first.revision, first.epoch)
        assert (await subject.info(), await subject.values(), await subject.log()) == state

    async def test_the_reply_is_the_same_after_other_writes(self, subject: AsyncSubject) -> None:
        first = await subject.run(Incr(MAP, "n"), Append(LOG, (b"1",)), once="request")
        await subject.run(Incr(MAP, "n", 10), Append(LOG, (b"2",)))
        again = await subject.run(Incr(MAP, "n"), Append(LOG, (b"1",)), once="request")
        assert (again.results, again.revision) == (first.results, first.revision)
        assert await subject.values() == {"n": b"j11"}

    async def test_what_was_taken_is_in_the_second_reply_too(self, subject: AsyncSubject) -> None:
        await subject.append(b"1", b"2", b"3")
        take = (Read(LOG, limit=1, newest=True), Cut(LOG, newest=1))
        first = await subject.run(*take, once="request")
        again = await subject.run(*take, once="request")
        assert [i.value for i in answer(first, Items).items] == [b"3"]
        assert [i.value for i in answer(again, Items).items] == [b"3"]
        assert await subject.log() == [b"1", b"2"]

    async def test_another_id_is_another_request(self, subject: AsyncSubject) -> None:
        for number, name in enumerate(("r1", "r2", "r" * 128, "é" * 64), 1):
            assert (await subject.run(Incr(MAP, "n"), once=name)).results == (Number(number),)
        assert (await subject.run(Incr(MAP, "n"))).results == (Number(5),)
        assert (await subject.run(Incr(MAP, "n"), once="r1")).results == (Number(1),)

    async def test_an_id_belongs_to_its_entity(self, subject: AsyncSubject) -> None:
        for entity in (subject, subject.other("b"), subject.other(kind="user")):
            reply = await entity.run(Incr(MAP, "n"), once="request")
            assert (reply.results, reply.repeated) == ((Number(1),), False)

    async def test_at_the_same_time_it_has_one_effect_too(self, subject: AsyncSubject) -> None:
        async def send() -> tuple[object, ...]:
            return (await subject.run(Incr(MAP, "n"), once="request")).results

        assert await AsyncTasks.together(*[send] * 8) == [(Number(1),)] * 8
        assert await subject.values() == {"n": b"j1"}

    @needs("clock")
    async def test_it_is_remembered_for_10_minutes(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.run(Incr(MAP, "n"), once="request")
        for _ in range(2):
            clock.jump(299.9)
            reply = await subject.run(Incr(MAP, "n"), once="request")
            assert (reply.results, reply.repeated) == ((Number(1),), True)
        assert await subject.values() == {"n": b"j1"}

    async def test_it_is_neither_counted_nor_seen(self, subject: AsyncSubject) -> None:
        for number in range(20):
            await subject.run(Set(MAP, {"a": b"1"}), once=f"r{number}")
        info = await subject.info()
        assert info is not None and (info.fields, info.maps) == (1, (MAP,))
        assert (await subject.run(Drop())).results == (Count(1),)

    async def test_a_request_that_was_refused_is_not_remembered(
        self, subject: AsyncSubject
    ) -> None:
        await subject.put(a=b"1")
        guards = [Missing(MAP, "a")]
        reply = await subject.run(Incr(MAP, "n"), guards=guards, once="request")
        assert (reply.ok, reply.failed) == (False, 0)
        await subject.run(Del(MAP, ("a",)))
        reply = await subject.run(Incr(MAP, "n"), guards=guards, once="request")
        assert (reply.ok, reply.results) == (True, (Number(1),))

    async def test_what_was_done_is_not_refused_when_sent_again(
        self, subject: AsyncSubject
    ) -> None:
        first = await subject.run(Set(MAP, {"a": b"1"}), guards=[Revision(0)], once="request")
        again = await subject.run(Set(MAP, {"a": b"1"}), guards=[Revision(0)], once="request")
        assert (again.ok, again.results) == (True, first.results)

    async def test_drop_forgets_it(self, subject: AsyncSubject) -> None:
        await subject.run(Incr(MAP, "n"), once="request")
        assert (await subject.run(Drop(), once="drop")).results == (Count(1),)
        assert (await subject.run(Drop(), once="drop")).results == (Count(0),)
        reply = await subject.run(Incr(MAP, "n"), once="request")
        assert (reply.results, reply.repeated) == ((Number(1),), False)

    async def test_only_reads_need_no_memory(self, subject: AsyncSubject) -> None:
        assert (await subject.run(Get(MAP), once="request")).ok
        assert await subject.info() is None
        await subject.put(a=b"1")
        assert (await subject.run(Get(MAP), once="request")).ok

    @pytest.mark.parametrize("name", ["", "r" * 129, "é" * 65])
    async def test_an_id_has_1_to_128_bytes(self, subject: AsyncSubject, name: str) -> None:
        with pytest.raises(UsageError):
            await subject.engine.run(Batch(subject.ref, (Incr(MAP, "n"),), once=name))
        assert await subject.info() is None
