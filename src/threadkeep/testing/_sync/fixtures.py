# Generated from src/threadkeep/testing/_async/fixtures.py by scripts/unasync. Do not edit.
"""The fixtures of the suite. All build on `make_engine`, which the user of the kit provides."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import Engine
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.shared import Shared
from threadkeep.testing._sync.subject import Subject
from threadkeep.testing.needs import require

MakeEngine = Callable[[Callable[[], int], Limits], Engine]
MakeStore = Callable[..., Store]
OpenEngine = Callable[..., Engine]


@pytest.fixture
def clock() -> Clock:
    """Return the time of the engine under test."""
    return Clock()


@pytest.fixture
def namespace() -> str:
    """Return a namespace of this test's own."""
    return f"check-{os.urandom(6).hex()}"


@pytest.fixture
def open_engine(make_engine: MakeEngine, clock: Clock) -> Iterator[OpenEngine]:
    """Return what opens one more engine: on the same place, where the capability `processes` says so."""
    opened: list[Engine] = []

    def open_one(limits: Limits | None = None) -> Engine:
        engine = make_engine(clock.micros, limits or Limits())
        opened.append(engine)
        engine.setup()
        clock.follow(engine.capabilities)
        return engine

    yield open_one
    for engine in reversed(opened):
        engine.close()


@pytest.fixture
def engine(open_engine: OpenEngine) -> Engine:
    """Return the engine under test."""
    return open_engine()


@pytest.fixture
def subject(engine: Engine, namespace: str) -> Subject:
    """Return an entity that does not exist yet."""
    return Subject(engine, Ref(namespace, "thread", "subject"))


@pytest.fixture
def make_store(engine: Engine, namespace: str) -> Iterator[MakeStore]:
    """Return what makes a store on the engine under test, with the options of Store."""
    made: list[Store] = []

    def make(**options: Any) -> Store:
        shared = Shared(options.pop("engine", engine))
        options.setdefault("namespace", namespace)
        made.append(Store(engine=shared, **options))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """Return a store without options."""
    return make_store()


@pytest.fixture
def leased(make_store: MakeStore, clock: Clock) -> Store:
    """Return a store whose threads have a lease of ten seconds."""
    return make_store(thread_ttl=clock.span(10))


@pytest.fixture
def thread(store: Store) -> Thread:
    """Return a thread that does not exist yet."""
    return store.thread("subject")


@pytest.fixture
def own(make_engine: MakeEngine, clock: Clock, namespace: str) -> Iterator[Store]:
    """Return a store that has an engine of its own, not yet connected."""
    store = Store(engine=make_engine(clock.micros, Limits()), namespace=namespace)
    yield store
    store.close()


@pytest.fixture
def needs_clock(engine: Engine) -> None:
    """Skip without an injectable clock."""
    require(engine.capabilities, "clock")


@pytest.fixture
def needs_limits(engine: Engine) -> None:
    """Skip where the limits are a server's."""
    require(engine.capabilities, "limits")


@pytest.fixture
def needs_processes(engine: Engine) -> None:
    """Skip where one place takes only one engine."""
    require(engine.capabilities, "processes")


@pytest.fixture
def needs_watch(engine: Engine) -> None:
    """Skip where changes cannot be watched."""
    require(engine.capabilities, "watch")
