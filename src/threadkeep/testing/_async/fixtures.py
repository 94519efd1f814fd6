"""The fixtures of the suite. All build on `make_engine`, which the user of the kit provides."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.shared import AsyncShared
from threadkeep.testing._async.subject import AsyncSubject
from threadkeep.testing.needs import require

MakeEngine = Callable[[Callable[[], int], Limits], AsyncEngine]
MakeStore = Callable[..., AsyncStore]
OpenEngine = Callable[..., Awaitable[AsyncEngine]]


# sync: off
@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio."""
    return "asyncio"


# sync: on
@pytest.fixture
def clock() -> AsyncClock:
    """Return the time of the engine under test."""
    return AsyncClock()


@pytest.fixture
def namespace() -> str:
    """Return a namespace of this test's own."""
    return f"check-{os.urandom(6).hex()}"


@pytest.fixture
async def open_engine(make_engine: MakeEngine, clock: AsyncClock) -> AsyncIterator[OpenEngine]:
    """Return what opens one more engine: on the same place, where the capability `processes` says so."""
    opened: list[AsyncEngine] = []

    async def open_one(limits: Limits | None = None) -> AsyncEngine:
        engine = make_engine(clock.micros, limits or Limits())
        opened.append(engine)
        await engine.setup()
        clock.follow(engine.capabilities)
        return engine

    yield open_one
    for engine in reversed(opened):
        await engine.aclose()


@pytest.fixture
async def engine(open_engine: OpenEngine) -> AsyncEngine:
    """Return the engine under test."""
    return await open_engine()


@pytest.fixture
def subject(engine: AsyncEngine, namespace: str) -> AsyncSubject:
    """Return an entity that does not exist yet."""
    return AsyncSubject(engine, Ref(namespace, "thread", "subject"))


@pytest.fixture
async def make_store(engine: AsyncEngine, namespace: str) -> AsyncIterator[MakeStore]:
    """Return what makes a store on the engine under test, with the options of AsyncStore."""
    made: list[AsyncStore] = []

    def make(**options: Any) -> AsyncStore:
        shared = AsyncShared(options.pop("engine", engine))
        options.setdefault("namespace", namespace)
        made.append(AsyncStore(engine=shared, **options))
        return made[-1]

    yield make
    for store in made:
        await store.aclose()


@pytest.fixture
def store(make_store: MakeStore) -> AsyncStore:
    """Return a store without options."""
    return make_store()


@pytest.fixture
def leased(make_store: MakeStore, clock: AsyncClock) -> AsyncStore:
    """Return a store whose threads have a lease of ten seconds."""
    return make_store(thread_ttl=clock.span(10))


@pytest.fixture
def thread(store: AsyncStore) -> AsyncThread:
    """Return a thread that does not exist yet."""
    return store.thread("subject")


@pytest.fixture
async def own(
    make_engine: MakeEngine, clock: AsyncClock, namespace: str
) -> AsyncIterator[AsyncStore]:
    """Return a store that has an engine of its own, not yet connected."""
    store = AsyncStore(engine=make_engine(clock.micros, Limits()), namespace=namespace)
    yield store
    await store.aclose()


@pytest.fixture
def needs_clock(engine: AsyncEngine) -> None:
    """Skip without an injectable clock."""
    require(engine.capabilities, "clock")


@pytest.fixture
def needs_limits(engine: AsyncEngine) -> None:
    """Skip where the limits are a server's."""
    require(engine.capabilities, "limits")


@pytest.fixture
def needs_processes(engine: AsyncEngine) -> None:
    """Skip where one place takes only one engine."""
    require(engine.capabilities, "processes")


@pytest.fixture
def needs_watch(engine: AsyncEngine) -> None:
    """Skip where changes cannot be watched."""
    require(engine.capabilities, "watch")
