# Generated from tests/_async/wrappers/test_timeout.py by scripts/unasync. Do not edit.
"""A limit on the time of a call."""

from __future__ import annotations

import time

import pytest

from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.store import Store
from threadkeep._sync.wrappers.passing import Passing
from threadkeep.errors import UsageError
from threadkeep.model.options import Limits
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due, Page, Query
from threadkeep.ops.reply import Reply
from threadkeep.testing.tasks import Tasks
from threadkeep.wrapping import timeout


class Slow(Passing):
    """An engine that takes its time after it has done what was asked."""

    pause = 0.0

    def run(self, batch: Batch) -> Reply:
        reply = self.inner.run(batch)
        Tasks.sleep(self.pause)
        return reply

    def scan(self, query: Query) -> Page:
        Tasks.sleep(self.pause)
        return self.inner.scan(query)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        Tasks.sleep(self.pause)
        return self.inner.claim(due)


@pytest.fixture
def slow() -> Slow:
    return Slow(MemoryEngine(lambda: time.time_ns() // 1000, Limits()))


def test_what_is_in_time_passes(slow: Slow):
    with Store(engine=timeout(5)(slow)) as store:
        store.thread("t").state.set("a", 1)
        assert store.thread("t").state.get("a") == 1
        assert [t.id for t in store.threads()] == ["t"]
        assert (store.sweep()).expired == 0


def test_late_results_are_kept_where_nothing_can_be_cut_short(slow: Slow):
    from threadkeep._sync.drivers.memory import MemoryEngine
    from threadkeep._sync.store import Store

    engine = MemoryEngine(lambda: time.time_ns() // 1000, Limits())
    with Store(engine=timeout(0.000_001)(engine)) as store:
        store.thread("t").state.set("a", 1)
        assert store.thread("t").state.get("a") == 1


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "5", None])
def test_limits_that_make_no_sense(slow: Slow, seconds: float):
    with pytest.raises(UsageError, match="seconds"):
        timeout(seconds)(slow)
