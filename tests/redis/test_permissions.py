"""The user that the docs make: it can do all that a store does, and nothing beside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from tests.redis.users import command
from tests.servers.redis import RedisServer
from threadkeep import AsyncStore, Store
from threadkeep.errors import Forbidden


@pytest.fixture(scope="module", params=["redis7", "redis8", "valkey9"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server with the user of the page, made by the very words of the page."""
    with RedisServer(request.param) as server:
        server.client().execute_command(*command())
        yield server


@pytest.fixture
def url(server: RedisServer) -> str:
    return f"redis://agent:secret@127.0.0.1:{server.port}"


def refused(server: RedisServer) -> set[str]:
    """Return the commands that the server's log says it refused."""
    found: Any = server.client().acl_log()
    return {entry["object"] for entry in found if entry["reason"] == "command"}


def test_a_store_does_what_it_does(server: RedisServer, url: str) -> None:
    with Store(url, ttl=60) as store:
        thread = store.thread("t")
        with thread.turn(lease=10):
            thread.state.set("a", 1)
            thread.messages.append({"role": "user", "content": "hello"})
        thread.set_labels(user="u")
        assert [found.id for found in store.threads(user="u")] == ["t"]
        store.kv("notes").set("k", b"v")
        assert store.tools.run("tool", {}, lambda: 7) == 7
        store.sweep()
        store.stats()
        thread.destroy()
    assert refused(server) <= {"config|get"}  # then it does not know the durability


def test_it_hears_of_changes(url: str) -> None:
    async def heard() -> int:
        async with AsyncStore(url) as store, AsyncStore(url) as other:
            changes = aiter(store.thread("watched").watch(after=0))
            first = asyncio.ensure_future(anext(changes))
            await other.thread("watched").state.set("a", 1)
            revision = (await first).revision
            second = asyncio.ensure_future(anext(changes))
            await other.thread("watched").state.set("a", 2)
            assert (await second).revision == 2
            return revision

    assert asyncio.run(asyncio.wait_for(heard(), 20)) == 1


def test_it_reaches_nothing_of_others(server: RedisServer, url: str) -> None:
    with Store(f"{url}?prefix=other") as store, pytest.raises(Forbidden, match="NOPERM"):
        store.thread("t").state.set("a", 1)
    with server.client(username="agent", password="secret") as client:
        for words in (["GET", "x"], ["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "GET", "*"]):
            with pytest.raises(NoPermissionError):
                client.execute_command(*words)
