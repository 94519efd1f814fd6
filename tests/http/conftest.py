from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from tests.http.hosting import Hosted, hosting
from tests.http.raw import Client
from tests.http.remote import Behind
from tests.postgres.engine import async_engine as postgres_engine
from tests.postgres.engine import empty, sync_engine
from tests.races import figures
from tests.redis.engine import async_clocked
from tests.servers.postgres import PostgresServer
from threadkeep import AsyncStore
from threadkeep.server import app

say = figures.teller("http")
pytest_terminal_summary = figures.summary("http")


@pytest.fixture(scope="session")
def hosts() -> Iterator[Callable[[str], Hosted]]:
    """The servers in this process that all tests share; each starts when a test first asks for it."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(hosting(kind)))


@pytest.fixture
def hosted(request: pytest.FixtureRequest, hosts: Callable[[str], Hosted]) -> Hosted:
    """A server that tests mount their applications on; uvicorn, unless the test is for both."""
    return hosts(getattr(request, "param", "uvicorn"))


@pytest.fixture(scope="session")
def furnished() -> Iterator[PostgresServer]:
    """A PostgreSQL server with the tables of a store in the schema `furnished`."""
    with PostgresServer() as server:
        server.execute("create schema furnished")
        engine = sync_engine(f"{server.url}?schema=furnished")
        engine.setup()
        engine.close()
        yield server


@pytest.fixture
def in_postgres(furnished: PostgresServer) -> Behind:
    """What opens an empty store of this test's own on PostgreSQL."""
    empty(furnished)
    return lambda now, limits: postgres_engine(f"{furnished.url}?schema=furnished", limits, now)


@pytest.fixture
def in_valkey(valkey9_url: str) -> Behind:
    """What opens an empty store of this test's own on Valkey."""
    prefix = f"t{os.urandom(6).hex()}"
    return lambda now, limits: async_clocked(valkey9_url, prefix, now, limits)


@pytest.fixture
def served(hosted: Hosted) -> Iterator[Callable[..., Client]]:
    """What serves a store in memory, with the options of the application, and returns its client."""
    stores: list[AsyncStore] = []

    def serve(clock: Callable[[], float] | None = None, **options: Any) -> Client:
        store = AsyncStore("memory://", clock=clock)
        stores.append(store)
        name = os.urandom(6).hex()
        hosted.mount(name, app(store, **options))
        client = Client(hosted.port, f"/{name}")
        client.store = store
        return client

    yield serve
    for store in stores:
        hosted.run(store.aclose)


@pytest.fixture
def call(served: Callable[..., Client]) -> Client:
    """A client of a server without keys."""
    return served()
