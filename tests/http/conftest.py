from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from tests.http.hosting import Hosted, hosting
from tests.http.raw import Client
from threadkeep import AsyncStore
from threadkeep.server import app


@pytest.fixture(scope="session")
def hosts() -> Iterator[Callable[[str], Hosted]]:
    """The servers in this process that all tests share; each starts when a test first asks for it."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(hosting(kind)))


@pytest.fixture
def hosted(request: pytest.FixtureRequest, hosts: Callable[[str], Hosted]) -> Hosted:
    """A server that tests mount their applications on; uvicorn, unless the test is for both."""
    return hosts(getattr(request, "param", "uvicorn"))


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
