# Generated from tests/_async/wrappers/test_readonly.py by scripts/unasync. Do not edit.
"""A store that can be read and not be changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.store import Store
from threadkeep.errors import Forbidden
from threadkeep.model.leases import SECOND
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due
from threadkeep.ops.ops import Get, Same
from threadkeep.ops.reply import Fields
from threadkeep.wrapping import readonly

REF = Ref("default", "thread", "t")


class Clock:
    now = 10**9

    def micros(self) -> int:
        return self.now * SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def under(clock: Clock) -> MemoryEngine:
    return MemoryEngine(clock.micros, Limits())


def test_every_write_is_refused_and_changes_nothing(under: MemoryEngine):
    writer = Store(engine=under)
    thread = writer.thread("t")
    thread.state.set("a", 1)
    thread.messages.append("m")
    with Store(engine=readonly()(under)) as store:
        mine = store.thread("t")
        before = thread.info()
        calls: list[Callable[[], object]] = [
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
                call()
        with pytest.raises(Forbidden, match="read-only"):
            with mine.turn():
                pass
        assert thread.info() == before
        assert mine.state.get_all() == {"a": 1}
        assert mine.messages.list() == ["m"]
        assert [t.id for t in store.threads()] == ["t"]


def test_reads_renew_nothing(under: MemoryEngine, clock: Clock):
    writer = Store(engine=under)
    writer.thread("t").state.update({"a": 1, "b": 2}, ttl=100)
    engine = readonly()(under)
    with Store(engine=engine) as store:
        state = store.thread("t").state
        clock.now += 50
        state.get("a")
        state.get_all()
        state.get_many(["b"])
        engine.run(Batch(REF, (), (Same("state", "a", 9),), (Get("state"),)))
        found = (under.run(Batch(REF, (Get("state", renew=False),)))).results[0]
        assert isinstance(found, Fields)
        assert {f.end for f in found.fields.values()} == {(10**9 + 100) * SECOND}
        clock.now += 50
        assert state.get_all() == {}


def test_an_expired_thread_reads_as_absent_and_is_left_to_others(under: MemoryEngine, clock: Clock):
    writer = Store(engine=under, thread_ttl=10)
    writer.thread("t").state.set("a", 1)
    clock.now += 11
    engine = readonly()(under)
    with Store(engine=engine) as store:
        assert store.thread("t").state.get("a") is None
        assert store.thread("t").info() is None
        for due in (Due(lease=SECOND), Due(lease=SECOND, ref=REF, token=1)):
            with pytest.raises(Forbidden):
                engine.claim(due)
    ended: list[str] = []
    writer.on("thread.destroyed", lambda event: ended.append(event.thread.id))
    writer.sweep()
    assert ended == ["t"]
