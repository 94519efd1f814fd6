from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.http.hosting import Hosted, hosting
from tests.http.raw import Client
from threadkeep import AsyncStore
from threadkeep.server import app


@pytest.fixture(scope="session")
def hosted() -> Iterator[Hosted]:
    """A server in this process that all tests share; each mounts its own applications."""
    with hosting() as found:
        yield found


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
