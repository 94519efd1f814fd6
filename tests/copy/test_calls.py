"""What copying costs: calls of the engines, which a test can count and a busy machine does not change."""

from __future__ import annotations

from pathlib import Path

import pytest

from threadkeep import Store
from threadkeep._sync.transfer_copy import Copy
from threadkeep._sync.wrappers.passing import Passing
from threadkeep.cli.inspecting import micros
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Page, Query
from threadkeep.ops.ops import Append, Set
from threadkeep.ops.reply import Reply

THREADS = 600  # more than a page


class Counted(Passing):
    def __init__(self, store: Store) -> None:
        super().__init__(store.ready())
        self.calls = self.pages = 0

    def run(self, batch: Batch) -> Reply:
        self.calls += 1
        return self.inner.run(batch)

    def scan(self, query: Query) -> Page:
        self.pages += 1
        return self.inner.scan(query)


@pytest.fixture
def source():
    with Store("memory://") as store:
        for number in range(THREADS):
            thread = store.thread(f"t{number:03}")
            thread.state.set("n", number)
            if number % 2:
                thread.messages.append(number)
        yield store


def test_a_thread_takes_two_calls_to_copy_and_two_to_compare(source: Store, tmp_path: Path):
    left = Counted(source)
    with Store(f"sqlite:///{tmp_path}/b.db?durability=normal") as target:
        right = Counted(target)
        with Store(engine=right) as counting:
            copy = Copy(left, counting, now=micros)
            copy.run(["default"])
            assert left.calls <= THREADS + 4  # the first threads tell which names to ask for
            assert right.calls == THREADS
            assert copy.verify(["default"]) == []
            assert left.calls + right.calls <= 4 * THREADS + 8
            assert left.pages + right.pages <= 40  # of all kinds


def test_a_copy_that_is_there_is_read_and_not_written(source: Store, tmp_path: Path):
    with Store(f"sqlite:///{tmp_path}/b.db?durability=normal") as target:
        Copy(source.ready(), target, now=micros).run(["default"])
        before = target.thread("t001").info()
        again = Copy(source.ready(), target, now=micros)
        again.run(["default"])
        assert again.outcomes == {"same": THREADS}
        assert target.thread("t001").info() == before


def test_a_map_and_a_log_of_one_name(tmp_path: Path):
    ref = Ref("default", "thread", "t")
    with Store("memory://") as source, Store(f"sqlite:///{tmp_path}/b.db") as target:
        items = (Set("m", {"a": b"j1"}, Lease()), Append("m", (b"j2",)))
        source.ready().run(Batch(ref, items))
        copy = Copy(source.ready(), target, now=micros)
        copy.run(["default"])
        assert copy.verify(["default"]) == []
        assert (copy.fields, copy.items) == (1, 1)
