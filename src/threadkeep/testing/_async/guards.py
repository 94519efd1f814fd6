"""Guards: each kind holds and fails; when one fails nothing is written and `otherwise` is read."""

from __future__ import annotations

import pytest

from threadkeep.errors import UsageError
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import (
    AnyGuard,
    Append,
    Claimed,
    Cut,
    Del,
    Drop,
    Epoch,
    Get,
    Head,
    Incr,
    Info,
    Label,
    Missing,
    Read,
    Revision,
    Same,
    Set,
)
from threadkeep.ops.reply import EntityInfo, Fields, Items, Number
from threadkeep.testing._async.subject import LOG, MAP, AsyncSubject, answer

ABSENT = "0123456789abcdef"  # an epoch that nothing ever had


@pytest.mark.anyio
class TestGuards:
    """All guards hold and all operations are done, or nothing is written."""

    @pytest.mark.parametrize(
        ("guard", "holds"),
        [
            (Missing(MAP, "a"), False),
            (Missing(MAP, "never"), True),
            (Missing("never", "a"), True),
            (Same(MAP, "a", 1), True),
            (Same(MAP, "a", 0), False),
            (Same(MAP, "a", 2), False),
            (Same(MAP, "b", 2), True),
            (Same(MAP, "never", 1), False),
            (Same(MAP, "never", 0), False),
            (Revision(2), True),
            (Revision(1), False),
            (Revision(0), False),
            (Head(LOG, 2), True),
            (Head(LOG, 1), False),
            (Head(LOG, 0), False),
            (Head("never", 0), True),
            (Epoch(ABSENT), False),
            (Claimed(0), False),
        ],
        ids=str,
    )
    async def test_on_an_entity(self, subject: AsyncSubject, guard: AnyGuard, holds: bool) -> None:
        await subject.run(Set(MAP, {"a": b"1"}), Append(LOG, (b"1", b"2")))
        await subject.put(b=b"2")
        reply = await subject.run(Set(MAP, {"c": b"3"}), guards=[guard])
        assert (reply.ok, reply.failed) == (holds, None if holds else 0)
        assert reply.revision == (3 if holds else 2)
        assert list(await subject.fields()) == (["a", "b", "c"] if holds else ["a", "b"])

    @pytest.mark.parametrize(
        ("guard", "holds"),
        [
            (Missing(MAP, "a"), True),
            (Same(MAP, "a", 0), False),
            (Same(MAP, "a", 1), False),
            (Revision(0), True),
            (Revision(1), False),
            (Head(LOG, 0), True),
            (Head(LOG, 1), False),
            (Epoch(ABSENT), True),
            (Claimed(0), False),
        ],
        ids=str,
    )
    async def test_where_nothing_stands(
        self, subject: AsyncSubject, guard: AnyGuard, holds: bool
    ) -> None:
        reply = await subject.run(Set(MAP, {"c": b"3"}), guards=[guard])
        assert (reply.ok, reply.failed) == (holds, None if holds else 0)
        assert list(await subject.fields()) == (["c"] if holds else [])

    async def test_epoch_holds_for_the_incarnation_that_has_it(self, subject: AsyncSubject) -> None:
        first = (await subject.put(a=b"1")).epoch
        assert (await subject.run(Set(MAP, {"a": b"2"}), guards=[Epoch(first)])).ok
        await subject.run(Drop())
        assert not (await subject.run(Set(MAP, {"a": b"3"}), guards=[Epoch(first)])).ok
        second = (await subject.put(a=b"4")).epoch
        assert second != first
        assert not (await subject.run(Set(MAP, {"a": b"5"}), guards=[Epoch(first)])).ok
        assert (await subject.run(Get(MAP), guards=[Epoch(second)])).ok
        assert await subject.values() == {"a": b"4"}

    async def test_a_revision_is_of_the_field_not_of_the_entity(
        self, subject: AsyncSubject
    ) -> None:
        await subject.put(a=b"1")
        await subject.put(b=b"1")
        assert (await subject.run(Set(MAP, {"a": b"2"}), guards=[Same(MAP, "a", 1)])).ok
        assert not (await subject.run(Set(MAP, {"a": b"3"}), guards=[Same(MAP, "a", 1)])).ok
        assert (await subject.run(Del(MAP, ("a",)), guards=[Same(MAP, "a", 3)])).ok
        assert (await subject.put(a=b"4")).revision == 5
        assert not (await subject.run(Set(MAP, {"a": b"5"}), guards=[Same(MAP, "a", 3)])).ok

    async def test_the_head_stays_when_items_go(self, subject: AsyncSubject) -> None:
        await subject.append(b"1", b"2", b"3")
        await subject.run(Cut(LOG, newest=1))
        assert not (await subject.run(Append(LOG, (b"x",)), guards=[Head(LOG, 2)])).ok
        await subject.run(Cut(LOG, keep=0))
        assert (await subject.run(Append(LOG, (b"4",)), guards=[Head(LOG, 3)])).ok
        assert await subject.seqs() == [4]

    async def test_all_must_hold_and_the_first_that_fails_is_named(
        self, subject: AsyncSubject
    ) -> None:
        await subject.put(a=b"1")
        held = [Missing(MAP, "b"), Revision(1)]
        for failed, guards in (
            (2, [*held, Head(LOG, 7), Same(MAP, "a", 9)]),
            (0, [Same(MAP, "a", 9), *held]),
            (1, [Revision(1), Missing(MAP, "a"), Missing(MAP, "b")]),
        ):
            reply = await subject.run(Set(MAP, {"b": b"1"}), guards=guards)
            assert (reply.ok, reply.failed) == (False, failed)
        assert (await subject.run(Set(MAP, {"b": b"1"}), guards=held)).ok

    async def test_a_failed_guard_writes_nothing(self, subject: AsyncSubject) -> None:
        await subject.run(Set(MAP, {"a": b"1", "n": b"j1"}), Append(LOG, (b"1",)))
        before = await subject.info()
        reply = await subject.run(
            Set(MAP, {"a": b"2", "b": b"2"}),
            Del(MAP, ("a",)),
            Incr(MAP, "n"),
            Append(LOG, (b"2",)),
            Cut(LOG, keep=0),
            Label({"x": "y"}),
            guards=[Revision(7)],
        )
        assert (reply.ok, reply.results, reply.changed) == (False, (), False)
        reply = await subject.run(Drop(), guards=[Revision(7)])
        assert not reply.ok
        assert await subject.info() == before
        assert await subject.values() == {"a": b"1", "n": b"j1"}
        assert await subject.log() == [b"1"]

    async def test_a_failed_guard_reads_what_it_was_asked_to(self, subject: AsyncSubject) -> None:
        await subject.run(Set(MAP, {"a": b"1"}), Append(LOG, (b"1",)))
        reply = await subject.run(
            Set(MAP, {"a": b"2"}),
            guards=[Missing(MAP, "a")],
            otherwise=[Get(MAP, ("a",)), Read(LOG), Info()],
        )
        assert answer(reply, Fields).fields["a"].value == b"1"
        assert answer(reply, Items, 1).count == 1
        assert answer(reply, EntityInfo, 2).revision == 1
        assert (reply.revision, reply.epoch != "") == (1, True)

    async def test_otherwise_is_not_read_when_all_hold(self, subject: AsyncSubject) -> None:
        reply = await subject.run(
            Incr(MAP, "n"), guards=[Missing(MAP, "n")], otherwise=[Get(MAP), Info()]
        )
        assert reply.results == (Number(1),)

    async def test_otherwise_may_not_write(self, subject: AsyncSubject) -> None:
        wrong = Batch(
            subject.ref,
            (Get(MAP),),
            otherwise=(Set(MAP, {"a": b"1"}),),  # pyright: ignore[reportArgumentType] - what is refused
        )
        with pytest.raises(UsageError):
            await subject.engine.run(wrong)
        assert await subject.info() is None

    async def test_reads_may_be_guarded(self, subject: AsyncSubject) -> None:
        await subject.put(a=b"1")
        assert (await subject.run(Get(MAP), guards=[Revision(1)])).ok
        reply = await subject.run(Get(MAP), guards=[Revision(2)], otherwise=[Get(MAP, ("a",))])
        assert not reply.ok
        assert answer(reply, Fields).fields["a"].value == b"1"

    async def test_nothing_stands_once_everything_was_deleted(self, subject: AsyncSubject) -> None:
        await subject.put(a=b"1")
        await subject.run(Del(MAP))
        assert await subject.info() is None
        assert (await subject.run(Set(MAP, {"a": b"2"}), guards=[Revision(0)])).ok
        assert await subject.values() == {"a": b"2"}
