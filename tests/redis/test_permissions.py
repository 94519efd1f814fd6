"""The user that the docs make: it can do all that a store does, and nothing beside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from tests.redis.users import command
from tests.servers.cluster import Cluster
from tests.servers.redis import RedisServer
from threadkeep import AsyncStore, Store
from threadkeep.errors import Forbidden

AOF = {"appendonly": "yes", "appendfsync": "always"}
KEYS = ["~betterdb_ac*", "+get", "+set", "+scan"]


def allow(nodes: Sequence[RedisServer]) -> None:
    """Make the user by the very words of the page."""
    for node in nodes:
        node.client().execute_command(*command())


def refused(nodes: Sequence[RedisServer]) -> set[str]:
    """Return the commands that the servers' logs say they refused to it."""
    logs: list[Any] = [entry for node in nodes for entry in node.client().acl_log()]
    found = {entry["object"] for entry in logs if entry["reason"] == "command"}
    for node in nodes:
        node.client().execute_command("ACL", "LOG", "RESET")
    return found


@pytest.fixture(scope="module", params=["redis7", "redis8", "valkey9"])
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with RedisServer(request.param, config=AOF) as server:
        allow([server])
        yield server


@pytest.fixture
def url(server: RedisServer) -> str:
    return f"redis://agent:secret@127.0.0.1:{server.port}"


def use(store: Store) -> None:
    """Do a bit of everything."""
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


def test_a_store_does_what_it_does(server: RedisServer, url: str) -> None:
    with Store(url, ttl=60) as store:
        use(store)
    assert refused([server]) <= {"config|get"}  # then it does not know the durability


def test_it_sees_the_durability_where_it_may(server: RedisServer, url: str) -> None:
    with Store(url) as store:
        assert store.capabilities().durability == "none"
    server.client().execute_command("ACL", "SETUSER", "agent", "+config|get")
    with Store(url, durable=True) as store:
        assert store.capabilities().durability == "power-loss"
        use(store)
    server.client().execute_command("ACL", "SETUSER", "agent", "-config|get")


def test_it_does_the_same_on_a_cluster(cluster: Cluster) -> None:
    allow(cluster.nodes)
    with Store(cluster.url.replace("://", "://agent:secret@"), ttl=60) as store:
        use(store)
    assert refused(cluster.nodes) <= {"config|get"}


def test_one_field_a_key_needs_more(server: RedisServer, url: str) -> None:
    with Store(f"{url}?layout=keys") as store, pytest.raises(Forbidden):
        store.thread("t").state.set("a", 1)
    refused([server])
    server.client().execute_command("ACL", "SETUSER", "agent", *KEYS)
    with Store(f"{url}?layout=keys&prefix=tk") as store:
        store.thread("t").state.set("a", 1, ttl=60)
        assert store.thread("t").state.get_all() == {"a": 1}
        store.thread("t").destroy()
    assert refused([server]) <= {"config|get"}
    allow([server])


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
