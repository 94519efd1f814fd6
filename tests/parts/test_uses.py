"""A part for one message is used up with the read that gives it out: not before, not without it, not twice."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep import Store, Unavailable
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Engine
from threadkeep.ops.reply import Reply
from threadkeep.testing.trips import Trips

LARGE = "x" * 100_000


class Breaking(Trips):
    """An engine whose next write, once it is told to, never comes to be or never comes back."""

    fault = ""

    def run(self, batch: Batch) -> Reply:
        if batch.writes and self.fault:
            fault, self.fault = self.fault, ""
            if fault == "lost":
                super().run(batch)
            raise Unavailable("the connection failed", maybe_applied=fault == "lost")
        return super().run(batch)


class Open:
    """A store over an engine that breaks."""

    def __init__(self) -> None:
        self.engines: list[Breaking] = []
        self.store = Store("memory://", wrap=[self._wrap])
        self.parts = self.store.thread("t").parts
        self.parts.set_text("always", "x")

    def _wrap(self, engine: Engine) -> Engine:
        self.engines.append(Breaking(engine))
        return self.engines[0]

    @property
    def engine(self) -> Breaking:
        return self.engines[0]


def test_who_dies_before_it_is_counted_has_used_nothing():
    found = Open()
    found.parts.set_text("once", "1", uses=1)
    found.engine.fault = "cut"
    with pytest.raises(Unavailable):
        found.parts.attach("hello")
    assert found.parts.attach("hello").used == ("always", "once")
    assert found.parts.attach("hello").used == ("always",)


def test_a_count_can_be_sent_again():
    """Its batch carries a request id, so that a transport may repeat it after a lost reply."""
    found = Open()
    found.parts.set_text("once", "1", uses=1)
    seen: list[Batch] = []
    run = found.engine.run
    found.engine.run = lambda batch: seen.append(batch) or run(batch)
    assert found.parts.attach("hello").used == ("always", "once")
    assert [batch.repeatable for batch in seen] == [True, True]
    repeated = run(seen[1])
    assert (repeated.repeated, repeated.ok) == (True, True)


def test_a_content_that_could_not_be_removed_goes_later():
    found = Open()
    found.parts.set_text("large", LARGE)
    thread = found.store.thread("t")

    def held() -> int:
        info = thread.info()
        assert info is not None
        return info.bytes

    real, writes = found.engine.run, 0

    def fail_second(batch: Batch) -> Any:
        nonlocal writes
        writes += batch.writes
        if batch.writes and writes == 2:
            raise Unavailable("the connection failed")
        return real(batch)

    found.engine.run = fail_second
    assert found.parts.delete("large")
    assert held() > len(LARGE)
    assert not found.parts.delete("large")
    assert held() < 1_000


def test_clearing_is_one_trip_that_brings_nothing_back():
    found = Open()
    found.parts.set_text("large", LARGE)
    found.engine.taken()
    sizes: list[int] = []
    real = found.engine.run

    def weigh(batch: Batch) -> Any:
        reply = real(batch)
        sizes.append(len(repr(reply)))
        return reply

    found.engine.run = weigh
    assert found.parts.clear() == 2
    assert found.engine.taken() == {"run": 1}
    assert max(sizes) < 1_000
    assert found.store.thread("t").info() is None
