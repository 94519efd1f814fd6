# Generated from src/threadkeep/testing/_async/closing.py by scripts/unasync. Do not edit.
"""Opening, closing, and what an engine says of itself."""

from __future__ import annotations

import re

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeEngine, MakeStore, OpenEngine
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Tasks


class TestClosing:
    """Connects at first use; closing twice is fine; use after it is an error."""

    def test_it_connects_at_first_use(self, own: Store) -> None:
        thread = own.thread("t")
        thread.state.set("a", 1)
        assert thread.state.get("a") == 1
        own.close()

    def test_concurrent_first_uses_connect_once(self, own: Store) -> None:
        Tasks.together(*[lambda: own.thread("t").state.increment("n")] * 8)
        assert own.thread("t").state.get("n") == 8
        own.close()

    def test_closing_twice_is_fine(self, own: Store) -> None:
        with own:
            own.thread("t").state.set("a", 1)
            own.close()
        own.close()

    def test_closing_what_was_never_opened_is_fine(self, own: Store) -> None:
        own.close()
        own.close()

    def test_use_after_close_is_an_error(self, own: Store) -> None:
        thread = own.thread("t")
        thread.state.set("a", 1)
        own.close()
        for call in (
            lambda: thread.state.get("a"),
            lambda: thread.state.set("a", 2),
            lambda: own.thread("new").messages.append("m"),
            lambda: own.threads().page(),
            lambda: own.sweep(),
            lambda: own.capabilities(),
        ):
            with pytest.raises(UsageError, match="closed"):
                call()
        with pytest.raises(UsageError, match="closed"):
            with own:
                pytest.fail("opened again")

    @needs("processes")
    def test_what_was_written_is_there_for_the_next(
        self, own: Store, open_engine: OpenEngine, make_store: MakeStore
    ) -> None:
        thread = own.thread("t")
        thread.state.update({"a": 1, "b": b"\x00"})
        thread.messages.append("m1", "m2")
        thread.snapshots.save("image")
        thread.set_labels(user="alice")
        before = thread.info()
        own.close()
        next_ = make_store(engine=open_engine()).thread("t")
        assert next_.info() == before
        assert next_.state.get_all() == {"a": 1, "b": b"\x00"}
        assert next_.messages.list() == ["m1", "m2"]
        assert next_.snapshots.load() == "image"

    @needs("processes")
    def test_several_at_once_lose_nothing(
        self, engine: Engine, open_engine: OpenEngine, make_store: MakeStore
    ) -> None:
        engines = [engine, open_engine(), open_engine()]
        stores = [make_store(engine=each) for each in engines]

        def work(store: Store) -> None:
            state = store.thread("t").state
            for number in range(30):
                state.increment("n")
                state.mutate("m", lambda found: found + 1, default=0)
                store.thread("t").messages.append(number)

        Tasks.together(*[lambda s=store: work(s) for store in stores])
        for store in stores:
            assert store.thread("t").state.get_all() == {"m": 90, "n": 90}
            assert store.thread("t").messages.count() == 90


class TestCapabilities:
    """An engine says what it does, and the suite takes it at its word."""

    def test_they_are_well_formed(self, engine: Engine) -> None:
        found = engine.capabilities
        assert found.name
        assert re.fullmatch(r"power-loss|process|none|seconds\(\d+(\.\d+)?\)", found.durability)
        assert isinstance(found.skew, float)

    def test_durable_is_refused_where_it_is_not(
        self, own: Store, make_engine: MakeEngine, clock: Clock
    ) -> None:
        durability = (own.capabilities()).durability
        own.close()
        strict = Store(engine=make_engine(clock.micros, Limits()), durable=True)
        if durability == "power-loss":
            strict.capabilities()
        else:
            with pytest.raises(UsageError, match=re.escape(durability)):
                strict.capabilities()
        strict.close()
