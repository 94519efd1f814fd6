"""A store that can be read and not be changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Forbidden
from threadkeep.model.leases import SECOND
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due
from threadkeep.ops.ops import Get, Same
from threadkeep.ops.reply import Fields
from threadkeep.wrapping import readonly

pytestmark = pytest.mark.anyio

REF = Ref("default", "thread", "t")


class Clock:
    now = 10**9

    def micros(self) -> int:
        return self.now * SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def under(clock: Clock) -> AsyncMemoryEngine:
    return AsyncMemoryEngine(clock.micros, Limits())


async def test_every_write_is_refused_and_changes_nothing(under: AsyncMemoryEngine):
    writer = AsyncStore(engine=under)
    thread = writer.thread("t")
    await thread.state.set("a", 1)
    await thread.messages.append("m")
    async with AsyncStore(engine=readonly()(under)) as store:
        mine = store.thread("t")
        before = await thread.info()
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: mine.state.set("a", 2),
            lambda: mine.state.increment("n"),
            lambda: mine.state.delete("a"),
            mine.state.clear,
            mine.state.touch,
            lambda: mine.messages.append("x"),
            mine.messages.pop,
            mine.messages.clear,
            lambda: mine.snapshots.save("s"),
            lambda: mine.set_labels(user="a"),
            mine.touch,
            mine.destroy,
            store.sweep,
        ]
        for call in calls:
            with pytest.raises(Forbidden, match="read-only"):
                await call()
        with pytest.raises(Forbidden, match="read-only"):
            async with mine.turn():
                pass
        assert await thread.info() == before
        assert await mine.state.get_all() == {"a": 1}
        assert await mine.messages.list() == ["m"]
        assert [t.id async for t in store.threads()] == ["t"]


async def test_reads_renew_nothing(under: AsyncMemoryEngine, clock: Clock):
    writer = AsyncStore(engine=under)
    await writer.thread("t").state.update({"a": 1, "b": 2}, ttl=100)
    engine = readonly()(under)
    async with AsyncStore(engine=engine) as store:
        state = store.thread("t").state
        clock.now += 50
        await state.get("a")
        await state.get_all()
        await state.get_many(["b"])
        await engine.run(Batch(REF, (), (Same("state", "a", 9),), (Get("state"),)))
        found = (await under.run(Batch(REF, (Get("state", renew=False),)))).results[0]
        assert isinstance(found, Fields)
        assert {f.end for f in found.fields.values()} == {(10**9 + 100) * SECOND}
        clock.now += 50
        assert await state.get_all() == {}


async def test_an_expired_thread_reads_as_absent_and_is_left_to_others(
    under: AsyncMemoryEngine, clock: Clock
):
    writer = AsyncStore(engine=under, thread_ttl=10)
    await writer.thread("t").state.set("a", 1)
    clock.now += 11
    engine = readonly()(under)
    async with AsyncStore(engine=engine) as store:
        assert await store.thread("t").state.get("a") is None
        assert await store.thread("t").info() is None
        for due in (Due(lease=SECOND), Due(lease=SECOND, ref=REF, token=1)):
            with pytest.raises(Forbidden):
                await engine.claim(due)
    ended: list[str] = []
    writer.on("thread.destroyed", lambda event: ended.append(event.thread.id))
    await writer.sweep()
    assert ended == ["t"]
