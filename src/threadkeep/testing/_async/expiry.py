"""A field whose lease has run out is nowhere, whether anything has swept it or not."""

from __future__ import annotations

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep.errors import Conflict
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Due, Query
from threadkeep.ops.ops import (
    Append,
    Claimed,
    Del,
    Drop,
    Get,
    Incr,
    Info,
    Missing,
    Read,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import Count, EntityInfo, Fields, Items, Names, Number
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore, OpenEngine
from threadkeep.testing._async.subject import LOG, MAP, AsyncSubject, answer
from threadkeep.testing.needs import needs


@pytest.mark.anyio
class TestExpiry:
    """An expired field is never returned, counted, listed or incremented, on any path."""

    @pytest.fixture
    async def over(self, subject: AsyncSubject, clock: AsyncClock) -> AsyncSubject:
        """Return an entity with the field `kept` and with `over`, which has run out."""
        await subject.put(kept=b"j1")
        await subject.put(clock.lease(5), over=b"j41")
        await clock.pass_(6)
        return subject

    @pytest.fixture
    async def expired(self, thread: AsyncThread, clock: AsyncClock) -> AsyncThread:
        """Return a thread with the field `kept` and with `over`, which has run out."""
        await thread.state.set("kept", 1)
        await thread.state.set("over", 41, ttl=clock.span(5))
        await clock.pass_(6)
        return thread

    async def test_no_read_returns_it(self, over: AsyncSubject) -> None:
        for op, names in (
            (Get(MAP, ("over",)), []),
            (Get(MAP, ("kept", "over"), renew=False), ["kept"]),
            (Get(MAP), ["kept"]),
            (Get(MAP, values=False), ["kept"]),
            (Get(MAP, prefix="ov"), []),
        ):
            assert list(answer(await over.run(op), Fields).fields) == names

    async def test_no_link_returns_it(self, subject: AsyncSubject, clock: AsyncClock) -> None:
        links = {"entry": ("kept", "over")}
        await subject.run(Set("blobs", {"kept": b"1"}), Set("index", {"entry": b""}, refs=links))
        await subject.run(
            Set("blobs", {"over": b"2"}, clock.lease(5)),
            Append(LOG, (b"item",), refs=(("kept", "over"),)),
        )
        await clock.pass_(6)
        reply = await subject.run(Get("index", refs="blobs"), Read(LOG, refs="blobs"))
        assert list(answer(reply, Fields).linked) == ["kept"]
        assert list(answer(reply, Items, 1).linked) == ["kept"]

    async def test_a_link_renews_what_it_returns(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.run(Set("blobs", {"b": b"1"}, clock.lease(10)))
        await subject.run(Set("index", {"entry": b""}, refs={"entry": ("b",)}))
        for _ in range(3):
            await clock.pass_(6)
            reply = await subject.run(Get("index", refs="blobs"))
            assert list(answer(reply, Fields).linked) == ["b"]

    async def test_it_is_not_counted(self, over: AsyncSubject) -> None:
        await over.run(Get(MAP))
        reply = await over.run(Info())
        assert answer(reply, EntityInfo).fields == 1
        assert (await over.run(Drop())).results == (Count(1),)

    async def test_a_listing_does_not_count_it(self, over: AsyncSubject, clock: AsyncClock) -> None:
        await over.run(Touch(lease=clock.lease(500)))
        for order in ("newest", "id"):
            query = Query(namespace=over.ref.namespace, kind="thread", order=order)
            (listed,) = (await over.engine.scan(query)).items
            assert (listed.info.fields, listed.info.bytes) == (1, 2)

    async def test_who_ends_it_does_not_count_it(
        self, over: AsyncSubject, clock: AsyncClock
    ) -> None:
        await over.run(Touch(lease=clock.lease(5)))
        await over.put(clock.lease(2), short=b"1")
        await clock.pass_(8)
        (claim,) = await over.engine.claim(Due(lease=30_000_000, ref=over.ref))
        reply = await over.run(Info(), guards=[Claimed(claim.token)])
        assert answer(reply, EntityInfo).fields == 1

    async def test_destroying_does_not_count_it(self, over: AsyncSubject) -> None:
        assert (await over.run(Drop())).results == (Count(1),)

    async def test_guards_do_not_see_it(self, over: AsyncSubject) -> None:
        assert (await over.run(Get(MAP), guards=[Missing(MAP, "over")])).ok
        reply = await over.run(Get(MAP), guards=[Same(MAP, "over", 2)])
        assert (reply.ok, reply.failed) == (False, 0)

    async def test_writes_do_not_see_it(self, over: AsyncSubject) -> None:
        assert (await over.run(Touch(MAP))).results == (Count(0),)
        assert (await over.run(Touch(MAP, ("over",)))).results == (Count(0),)
        assert (await over.run(Del(MAP, ("over", "kept")))).results == (Names(("kept",)),)
        assert (await over.run(Del(MAP))).results == (Names(()),)

    async def test_absent_only_writes_over_it(self, over: AsyncSubject) -> None:
        op = Set(MAP, {"over": b"new", "kept": b"new"}, absent_only=True)
        assert (await over.run(op)).results == (Names(("kept",)),)
        assert await over.values() == {"kept": b"j1", "over": b"new"}

    async def test_an_increment_begins_at_0(self, over: AsyncSubject) -> None:
        assert (await over.run(Incr(MAP, "over", 2))).results == (Number(2),)
        field = (await over.fields("over"))["over"]
        assert (field.window, field.end) == (None, None)

    async def test_touch_does_not_bring_it_back(self, over: AsyncSubject) -> None:
        await over.run(Touch(MAP))
        await over.run(Touch(MAP, ("over",)))
        assert list(await over.fields()) == ["kept"]

    async def test_an_entity_whose_fields_have_all_run_out_is_not_listed(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.put(clock.lease(5), a=b"1")
        await clock.pass_(6)
        for order in ("newest", "id"):
            query = Query(namespace=subject.ref.namespace, kind="thread", order=order)
            assert (await subject.engine.scan(query)).items == ()
        assert await subject.info() is None
        assert (await subject.put(a=b"2")).ok
        assert await subject.values() == {"a": b"2"}

    async def test_state_does_not_see_it(self, expired: AsyncThread) -> None:
        state = expired.state
        assert await state.get("over", "default") == "default"
        assert await state.get_many(["over", "kept"]) == {"kept": 1}
        assert await state.get_all() == {"kept": 1}
        assert await state.get_all("ov") == {}
        assert await state.entry("over") is None
        assert list(await state.entries()) == ["kept"]
        assert await state.keys() == ["kept"]
        assert not await state.has("over")
        assert await state.size() == 1
        assert await state.touch("over") == 0
        assert await state.delete("over") == 0
        assert await state.clear("ov") == 0

    async def test_changes_begin_anew(self, expired: AsyncThread, clock: AsyncClock) -> None:
        assert await expired.state.increment("over") == 1
        await expired.state.set("list", [1, 2], ttl=clock.span(5))
        await expired.state.set("value", 7, ttl=clock.span(5))
        await clock.pass_(6)
        assert await expired.state.push("list", 3) == 1
        assert await expired.state.mutate("value", lambda found: [found]) == [None]

    async def test_it_counts_as_absent_for_conditions(self, expired: AsyncThread) -> None:
        with pytest.raises(Conflict):
            await expired.state.set("over", 1, if_revision=2)
        await expired.state.set("over", 1, if_absent=True)
        await expired.state.delete("over")
        await expired.state.set("over", 1, if_revision=0)

    async def test_a_fork_does_not_take_it(self, expired: AsyncThread) -> None:
        assert await (await expired.fork("copy")).state.get_all() == {"kept": 1}

    @needs("limits")
    async def test_storage_does_not_pile_up(
        self, open_engine: OpenEngine, make_store: MakeStore, clock: AsyncClock
    ) -> None:
        limits = Limits(fields=5)
        store = make_store(engine=await open_engine(limits), limits=limits)
        thread = store.thread("t")
        for number in range(8):
            await thread.state.set("kept", number)
            for name in ("a", "b"):
                await thread.state.set(f"{name}{number}", "x" * 1_000, ttl=clock.span(2))
            await clock.pass_(3)
        await thread.state.get("kept")
        info = await thread.info()
        assert info is not None and (info.fields, info.bytes < 1_000) == (1, True)

    @needs("clock")
    @pytest.mark.parametrize("late", [-1e-6, 0.0, 1e-6, 60.0])
    async def test_a_write_at_the_moment_of_expiry_is_not_lost(
        self, subject: AsyncSubject, clock: AsyncClock, late: float
    ) -> None:
        await subject.put(Sliding(5), a=b"old", n=b"j5")
        clock.jump(5 + late)
        await subject.put(Sliding(5), a=b"new")
        reply = await subject.run(Incr(MAP, "n", 1, Sliding(5)))
        assert reply.results == (Number(6 if late < 0 else 1),)
        await subject.engine.claim(Due(lease=1, namespace=subject.ref.namespace))
        clock.jump(4.5)
        assert (await subject.values())["a"] == b"new"
        await subject.engine.claim(Due(lease=1, namespace=subject.ref.namespace))
        assert list(await subject.fields()) == ["a", "n"]

    @needs("clock")
    async def test_what_is_reclaimed_is_only_what_has_run_out(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        for number in range(20):
            await subject.put(Sliding(number + 1), **{f"f{number:02}": b"1"})
        await subject.put(FOREVER, kept=b"1")
        for number in range(20):
            clock.jump(1)
            if number % 3 == 0:
                await subject.engine.claim(Due(lease=1, namespace=subject.ref.namespace))
            info = await subject.info()
            assert info is not None
            assert sorted(await subject.fields()) == [f"f{n:02}" for n in range(number + 1, 20)] + [
                "kept"
            ]
