"""A clock that jumps, forward or back: what was seen to have expired does not come back."""

from __future__ import annotations

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.lifecycle import AsyncThreadEvent
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Gone
from threadkeep.model.leases import SECOND, Sliding
from threadkeep.ops.engine import Due
from threadkeep.ops.ops import Claimed, Drop, Get, Incr, Info, Touch
from threadkeep.ops.reply import Count, Fields, Number
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.subject import MAP, AsyncSubject, answer
from threadkeep.testing.needs import needs

DAY = 86_400
JUMPS = pytest.mark.parametrize("jump", [1, 3_600, DAY, 10 * 365 * DAY])


@needs("clock")
@pytest.mark.anyio
class TestClocks:
    """An entity's now is the later of the clock and its last update."""

    @JUMPS
    async def test_an_expired_field_stays_away(
        self, subject: AsyncSubject, clock: AsyncClock, jump: int
    ) -> None:
        await subject.put(Sliding(0.5), a=b"j41")
        await subject.put(kept=b"1")
        clock.jump(jump)
        assert list(await subject.fields()) == ["kept"]
        clock.jump(-jump)
        assert list(await subject.fields()) == ["kept"]
        assert (await subject.run(Incr(MAP, "a"))).results == (Number(1),)

    @JUMPS
    async def test_a_field_that_a_write_passed_by_stays_away(
        self, subject: AsyncSubject, clock: AsyncClock, jump: int
    ) -> None:
        await subject.put(Sliding(0.5), a=b"1")
        clock.jump(jump)
        await subject.put(other=b"2")
        clock.jump(-jump)
        assert list(await subject.fields()) == ["other"]

    @JUMPS
    async def test_a_jump_back_ends_nothing_early(
        self, thread: AsyncThread, clock: AsyncClock, jump: int
    ) -> None:
        await thread.state.set("a", 1, ttl=10)
        clock.jump(-jump)
        await thread.state.set("b", 2, ttl=10)
        assert await thread.state.get_all() == {"a": 1, "b": 2}
        clock.jump(jump + 9.9)
        assert await thread.state.get_all(renew=False) == {"a": 1, "b": 2}
        clock.jump(0.2)
        assert await thread.state.get_all() == {}

    @JUMPS
    async def test_an_expired_thread_stays_away(
        self, make_store: MakeStore, clock: AsyncClock, jump: int
    ) -> None:
        store = make_store(thread_ttl=0.5)
        await store.thread("t").state.set("a", 1)
        clock.jump(jump)
        assert await store.thread("t").state.get("a") is None
        clock.jump(-jump)
        assert await store.thread("t").state.get("a") is None
        assert await store.thread("t").info() is None
        assert [t.id async for t in store.threads()] == []

    @JUMPS
    async def test_a_claimed_entity_stays_away(
        self, subject: AsyncSubject, clock: AsyncClock, jump: int
    ) -> None:
        await subject.put(a=b"1")
        await subject.run(Touch(lease=Sliding(0.5)))
        clock.jump(jump)
        (claim,) = await subject.engine.claim(Due(lease=30 * SECOND, ref=subject.ref))
        clock.jump(-jump)
        reply = await subject.run(Get(MAP))
        assert reply.expired and answer(reply, Fields).fields == {}
        assert await subject.engine.claim(Due(lease=30 * SECOND, ref=subject.ref)) == ()
        held = await subject.run(Get(MAP), guards=[Claimed(claim.token)])
        assert list(answer(held, Fields).fields) == ["a"]
        reply = await subject.run(Drop(), guards=[Claimed(claim.token)])
        assert reply.results == (Count(1),)

    @JUMPS
    async def test_a_handler_during_which_the_clock_goes_back_is_called_once(
        self, make_store: MakeStore, clock: AsyncClock, jump: int
    ) -> None:
        store: AsyncStore = make_store(thread_ttl=0.5)
        seen: list[object] = []

        async def handler(event: AsyncThreadEvent) -> None:
            clock.jump(-jump)
            seen.append(await event.thread.state.get("a"))

        store.on("thread.destroyed", handler)
        await store.thread("t").state.set("a", 1)
        clock.jump(jump)
        await store.sweep()
        clock.jump(jump)
        await store.sweep()
        assert seen == [1]
        assert await store.thread("t").info() is None

    @JUMPS
    async def test_what_was_destroyed_stays_so(
        self, store: AsyncStore, clock: AsyncClock, jump: int
    ) -> None:
        thread, late = store.thread("t"), store.thread("t")
        await thread.state.set("a", 1)
        await late.state.get("a")
        await thread.destroy()
        clock.jump(-jump)
        with pytest.raises(Gone):
            await late.state.set("a", 2)
        assert await store.thread("t").info() is None

    @JUMPS
    async def test_updates_never_go_back(
        self, subject: AsyncSubject, clock: AsyncClock, jump: int
    ) -> None:
        await subject.put(a=b"1")
        before = await subject.info()
        clock.jump(-jump)
        await subject.put(a=b"2")
        await subject.append(b"1")
        after = await subject.info()
        assert before is not None and after is not None
        assert (after.updated, after.created) == (before.updated, before.created)
        assert (await subject.items()).items[0].at == before.updated

    @JUMPS
    async def test_a_listing_stays_whole(
        self, store: AsyncStore, clock: AsyncClock, jump: int
    ) -> None:
        for number in range(4):
            await store.thread(f"before-{number}").state.set("a", 1)
        clock.jump(-jump)
        for number in range(4):
            await store.thread(f"after-{number}").state.set("a", 1)
        await store.thread("before-2").state.set("a", 2)
        listing, cursor = store.threads(limit=3), None
        found: list[str] = []
        while True:
            page = await listing.page(cursor)
            found += [t.id for t in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        expected = [f"{when}-{n}" for when in ("after", "before") for n in range(4)]
        assert sorted(found) == expected

    async def test_a_turn_outlives_a_jump_back(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        async with thread.turn(lease=10):
            clock.jump(-3_600)
            await thread.state.set("a", 1)
        assert await thread.state.get("a") == 1

    async def test_once_is_remembered_over_a_jump_back(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.run(Incr(MAP, "n"), once="r1")
        clock.jump(-DAY)
        await subject.run(Incr(MAP, "n"), once="r1")
        assert await subject.values() == {"n": b"j1"}
        assert (await subject.run(Info())).revision == 1
