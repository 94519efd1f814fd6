"""Logs: numbered from 1, never renumbered, ids idempotent."""

from __future__ import annotations

import pytest

from threadkeep.ops.ops import Append, Cut, Drop, Item, Read, Restore, Set
from threadkeep.ops.reply import Appended, Count, Items
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.subject import LOG, AsyncSubject, answer
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks

READS: list[tuple[Read, list[int]]] = [
    (Read(LOG), [1, 2, 3, 4, 5]),
    (Read(LOG, limit=2), [1, 2]),
    (Read(LOG, limit=2, newest=True), [4, 5]),
    (Read(LOG, limit=9, newest=True), [1, 2, 3, 4, 5]),
    (Read(LOG, limit=0), []),
    (Read(LOG, after=2), [3, 4, 5]),
    (Read(LOG, after=2, limit=1), [3]),
    (Read(LOG, before=4), [1, 2, 3]),
    (Read(LOG, before=4, limit=2, newest=True), [2, 3]),
    (Read(LOG, after=1, before=5), [2, 3, 4]),
    (Read(LOG, after=1, before=5, limit=2), [2, 3]),
    (Read(LOG, after=1, before=5, limit=2, newest=True), [3, 4]),
    (Read(LOG, after=3, before=4), []),
    (Read(LOG, after=5), []),
    (Read(LOG, after=1 << 40), []),
    (Read(LOG, before=1 << 40), [1, 2, 3, 4, 5]),
    (Read(LOG, before=1), []),
    (Read(LOG, before=0), []),
    (Read(LOG, ids=("m2", "never", "m4")), [2, 4]),
    (Read(LOG, ids=()), []),
    (Read("never"), []),
]
CUTS: list[tuple[Cut, list[int]]] = [
    (Cut(LOG, keep=2), [4, 5]),
    (Cut(LOG, keep=0), []),
    (Cut(LOG, keep=5), [1, 2, 3, 4, 5]),
    (Cut(LOG, keep=9), [1, 2, 3, 4, 5]),
    (Cut(LOG, before=3), [3, 4, 5]),
    (Cut(LOG, before=1), [1, 2, 3, 4, 5]),
    (Cut(LOG, before=6), []),
    (Cut(LOG, before=1 << 40), []),
    (Cut(LOG, newest=1), [1, 2, 3, 4]),
    (Cut(LOG, newest=9), []),
    (Cut(LOG, newest=0), [1, 2, 3, 4, 5]),
    (Cut("never", keep=0), [1, 2, 3, 4, 5]),
]


@pytest.mark.anyio
class TestLogs:
    """Items stand in one order under numbers of their own."""

    @pytest.fixture
    async def five(self, subject: AsyncSubject) -> AsyncSubject:
        """Return an entity with five items in its log, whose ids are m1 to m5."""
        await subject.append(
            b"one", b"two", b"three", b"four", b"five", ids=[f"m{n}" for n in range(1, 6)]
        )
        return subject

    @pytest.mark.parametrize(("op", "seqs"), READS, ids=str)
    async def test_reading(self, five: AsyncSubject, op: Read, seqs: list[int]) -> None:
        found = await five.items(op)
        assert [item.seq for item in found.items] == seqs
        if op.log == LOG:
            assert (found.head, found.count) == (5, 5)
            assert found.bytes >= 19

    @pytest.mark.parametrize(("op", "seqs"), CUTS, ids=str)
    async def test_cutting(self, five: AsyncSubject, op: Cut, seqs: list[int]) -> None:
        assert (await five.run(op)).results == (Count(5 - len(seqs)),)
        found = await five.items()
        assert [item.seq for item in found.items] == seqs
        assert (found.head, found.count) == (5, len(seqs))
        assert (found.bytes > 0) == bool(seqs)
        info = await five.info()
        assert info is not None and info.items == len(seqs)

    @pytest.mark.parametrize("op", [Cut(LOG, newest=2), Cut(LOG, keep=0), Cut(LOG, before=9)])
    async def test_a_number_is_never_given_again(self, five: AsyncSubject, op: Cut) -> None:
        await five.run(op)
        assert (await five.append(b"six")).seqs == (6,)
        await five.run(op)
        assert (await five.append(b"seven", b"eight")).seqs == (7, 8)

    async def test_cutting_twice_leaves_gaps_readable(self, five: AsyncSubject) -> None:
        await five.run(Cut(LOG, newest=2))
        await five.append(b"six", b"seven")
        assert await five.seqs() == [1, 2, 3, 6, 7]
        assert await five.seqs(Read(LOG, limit=3, newest=True)) == [3, 6, 7]
        assert await five.seqs(Read(LOG, after=3, limit=1)) == [6]
        assert (await five.run(Cut(LOG, keep=3))).results == (Count(2),)
        assert await five.seqs() == [3, 6, 7]

    async def test_a_new_incarnation_begins_at_1(self, five: AsyncSubject) -> None:
        await five.run(Drop())
        assert (await five.items()).head == 0
        assert (await five.append(b"new", ids=["m1"])).seqs == (1,)
        assert await five.log() == [b"new"]

    async def test_an_item_carries_its_number_id_and_time(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        before = clock.micros()
        await subject.append(b"1", b"2", ids=["m1", None])
        await clock.pass_(1)
        await subject.append(b"3")
        found = (await subject.items()).items
        assert [(i.seq, i.value, i.id, i.size) for i in found] == [
            (1, b"1", "m1", 0),
            (2, b"2", None, 0),
            (3, b"3", None, 0),
        ]
        assert found[0].at == found[1].at < found[2].at
        assert abs(found[0].at - before) < 60_000_000

    async def test_sizes_stand_in_for_values_that_are_not_asked_for(
        self, five: AsyncSubject
    ) -> None:
        found = (await five.items(Read(LOG, values=False))).items
        assert [(i.seq, i.value, i.id) for i in found] == [(n, b"", f"m{n}") for n in range(1, 6)]
        assert all(i.size >= size for i, size in zip(found, (3, 3, 5, 4, 4), strict=True))

    async def test_an_id_that_stands_is_skipped_and_said_so(self, five: AsyncSubject) -> None:
        done = await five.append(b"x", b"new", b"y", ids=["m2", "m6", "m4"])
        assert done == Appended((2, 6, 4), ("m2", "m4"))
        assert await five.log() == [b"one", b"two", b"three", b"four", b"five", b"new"]
        revision = (await five.run(Read(LOG))).revision
        reply = await five.run(Append(LOG, (b"z",), ("m6",)))
        assert (reply.results, reply.revision) == ((Appended((6,), ("m6",)),), revision)

    async def test_an_id_twice_in_one_append_stands_once(self, subject: AsyncSubject) -> None:
        done = await subject.append(b"1", b"2", b"3", ids=["a", "a", "b"])
        assert done == Appended((1, 1, 2), ("a",))
        assert await subject.log() == [b"1", b"3"]

    async def test_an_id_that_was_cut_may_come_again(self, five: AsyncSubject) -> None:
        await five.run(Cut(LOG, keep=3))
        assert await five.append(b"again", ids=["m1"]) == Appended((6,))
        assert await five.seqs(Read(LOG, ids=("m1",))) == [6]

    async def test_logs_know_nothing_of_each_other(self, subject: AsyncSubject) -> None:
        for log in ("a", "b", "a'b", "A"):
            await subject.run(Append(log, (log.encode(), b"2"), ("m1", None)))
        await subject.run(Cut("a", keep=0))
        assert await subject.items(Read("a")) == Items((), 2, 0, 0)
        for log in ("b", "a'b", "A"):
            found = await subject.items(Read(log))
            assert [i.value for i in found.items] == [log.encode(), b"2"]
        info = await subject.info()
        assert info is not None and info.items == 6
        assert sorted(info.logs) == ["A", "a", "a'b", "b"]

    async def test_the_same_id_sent_by_many_stands_once(self, subject: AsyncSubject) -> None:
        async def send() -> tuple[int, ...]:
            return (await subject.append(b"1", ids=["m1"])).seqs

        assert await AsyncTasks.together(*[send] * 8) == [(1,)] * 8
        assert await subject.log() == [b"1"]

    async def test_links_bring_fields_along(self, subject: AsyncSubject) -> None:
        await subject.run(Set("blobs", {"b1": b"x", "b2": b"y", "b3": b"z"}))
        await subject.run(Append(LOG, (b"1", b"2"), refs=(("b1", "b2"), ("b3", "never"))))
        found = await subject.items(Read(LOG, limit=1, newest=True, refs="blobs"))
        assert {n: f.value for n, f in found.linked.items()} == {"b3": b"z"}
        found = await subject.items(Read(LOG, refs="blobs"))
        assert sorted(found.linked) == ["b1", "b2", "b3"]
        assert [item.refs for item in found.items] == [("b1", "b2"), ("b3", "never")]
        assert (await subject.items()).linked == {}

    async def test_restoring_keeps_numbers_ids_and_times(self, subject: AsyncSubject) -> None:
        items = (
            Item(3, b"three", "m3", ("b1",), 1_000_000),
            Item(7, b"seven", None, (), 2_000_000),
        )
        assert (await subject.run(Restore(LOG, items, head=9))).results == (Count(2),)
        found = await subject.items()
        assert found.items == items
        assert (found.head, found.count) == (9, 2)
        assert await subject.append(b"ten", b"x", ids=[None, "m3"]) == Appended((10, 3), ("m3",))

    async def test_restoring_replaces_what_stands(self, five: AsyncSubject) -> None:
        items = (Item(2, b"2", "new"), Item(4, b"4", "m4"))
        await five.run(Restore(LOG, items))
        assert await five.log() == [b"one", b"2", b"three", b"4", b"five"]
        found = await five.items(Read(LOG, limit=0))
        assert (found.head, found.count) == (5, 5)
        done = await five.append(b"x", b"y", b"z", ids=["m2", "new", "m4"])
        assert done == Appended((6, 2, 4), ("new", "m4"))
        reply = await five.run(Restore(LOG, (), head=20), Read(LOG, limit=0))
        assert answer(reply, Items, 1).head == 6
        assert (await five.append(b"21")).seqs == (21,)

    @needs("clock")
    async def test_time_cannot_take_items(self, five: AsyncSubject, clock: AsyncClock) -> None:
        clock.jump(10 * 365 * 86_400)
        assert await five.seqs() == [1, 2, 3, 4, 5]

    async def test_many_items_stay_in_order(self, subject: AsyncSubject) -> None:
        for start in range(0, 600, 100):
            await subject.append(*[b"%d" % n for n in range(start, start + 100)])
        assert await subject.log() == [b"%d" % n for n in range(600)]
        assert await subject.seqs(Read(LOG, limit=3, newest=True)) == [598, 599, 600]
        reply = await subject.run(Cut(LOG, keep=1))
        assert reply.results == (Count(599),)
        assert (await subject.run(Drop())).results == (Count(1),)
        assert await subject.info() is None
