"""Opening, closing, and what an engine says of itself."""

from __future__ import annotations

# sync: off
import asyncio
import contextlib

# sync: on
import re

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeEngine, MakeStore, OpenEngine
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks


@pytest.mark.anyio
class TestClosing:
    """Connects at first use; closing twice is fine; use after it is an error."""

    async def test_it_connects_at_first_use(self, own: AsyncStore) -> None:
        thread = own.thread("t")
        await thread.state.set("a", 1)
        assert await thread.state.get("a") == 1
        await own.aclose()

    async def test_concurrent_first_uses_connect_once(self, own: AsyncStore) -> None:
        await AsyncTasks.together(*[lambda: own.thread("t").state.increment("n")] * 8)
        assert await own.thread("t").state.get("n") == 8
        await own.aclose()

    async def test_closing_twice_is_fine(self, own: AsyncStore) -> None:
        async with own:
            await own.thread("t").state.set("a", 1)
            await own.aclose()
        await own.aclose()

    async def test_closing_what_was_never_opened_is_fine(self, own: AsyncStore) -> None:
        await own.aclose()
        await own.aclose()

    async def test_use_after_close_is_an_error(self, own: AsyncStore) -> None:
        thread = own.thread("t")
        await thread.state.set("a", 1)
        await own.aclose()
        for call in (
            lambda: thread.state.get("a"),
            lambda: thread.state.set("a", 2),
            lambda: own.thread("new").messages.append("m"),
            lambda: own.threads().page(),
            lambda: own.sweep(),
            lambda: own.capabilities(),
        ):
            with pytest.raises(UsageError, match="closed"):
                await call()
        with pytest.raises(UsageError, match="closed"):
            async with own:
                pytest.fail("opened again")

    @needs("processes")
    async def test_what_was_written_is_there_for_the_next(
        self, own: AsyncStore, open_engine: OpenEngine, make_store: MakeStore
    ) -> None:
        thread = own.thread("t")
        await thread.state.update({"a": 1, "b": b"\x00"})
        await thread.messages.append("m1", "m2")
        await thread.snapshots.save("image")
        await thread.set_labels(user="alice")
        before = await thread.info()
        await own.aclose()
        next_ = make_store(engine=await open_engine()).thread("t")
        assert await next_.info() == before
        assert await next_.state.get_all() == {"a": 1, "b": b"\x00"}
        assert await next_.messages.list() == ["m1", "m2"]
        assert await next_.snapshots.load() == "image"

    @needs("processes")
    async def test_several_at_once_lose_nothing(
        self, engine: AsyncEngine, open_engine: OpenEngine, make_store: MakeStore
    ) -> None:
        engines = [engine, await open_engine(), await open_engine()]
        stores = [make_store(engine=each) for each in engines]

        async def work(store: AsyncStore) -> None:
            state = store.thread("t").state
            for number in range(30):
                await state.increment("n")
                await state.mutate("m", lambda found: found + 1, default=0)
                await store.thread("t").messages.append(number)

        await AsyncTasks.together(*[lambda s=store: work(s) for store in stores])
        for store in stores:
            assert await store.thread("t").state.get_all() == {"m": 90, "n": 90}
            assert await store.thread("t").messages.count() == 90

    # sync: off
    async def test_one_store_belongs_to_one_event_loop(self, own: AsyncStore) -> None:
        await own.thread("t").state.set("a", 1)

        def elsewhere() -> object:
            return asyncio.run(own.thread("t").state.get("a"))

        with contextlib.suppress(
            UsageError
        ):  # an engine may serve several, or say that it does not
            assert await asyncio.to_thread(elsewhere) == 1
        assert await own.thread("t").state.get("a") == 1
        await own.aclose()

    async def test_a_loop_of_reads_does_not_freeze_the_others(self, store: AsyncStore) -> None:
        thread = store.thread("t")
        await thread.state.set("a", 1)
        ended = False
        reads = 0

        async def read() -> None:
            nonlocal reads
            while not ended:
                await thread.state.get("a")
                reads += 1

        task = asyncio.create_task(read())
        async with asyncio.timeout(20):
            for _ in range(20):
                await asyncio.sleep(0.001)
        ended = True
        await task
        assert reads

    # sync: on


@pytest.mark.anyio
class TestCapabilities:
    """An engine says what it does, and the suite takes it at its word."""

    async def test_they_are_well_formed(self, engine: AsyncEngine) -> None:
        found = engine.capabilities
        assert found.name
        assert re.fullmatch(r"power-loss|process|none|seconds\(\d+(\.\d+)?\)", found.durability)
        assert isinstance(found.skew, float)

    async def test_durable_is_refused_where_it_is_not(
        self, own: AsyncStore, make_engine: MakeEngine, clock: AsyncClock
    ) -> None:
        durability = (await own.capabilities()).durability
        await own.aclose()
        strict = AsyncStore(engine=make_engine(clock.micros, Limits()), durable=True)
        if durability == "power-loss":
            await strict.capabilities()
        else:
            with pytest.raises(UsageError, match=re.escape(durability)):
                await strict.capabilities()
        await strict.aclose()
