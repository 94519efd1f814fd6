"""What goes over the wire: one trip for each public call, also when a guard fails, whoever else calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from threadkeep import AsyncStore, Conflict

pytestmark = pytest.mark.anyio
Call = Callable[[AsyncStore], Awaitable[object]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def proxied(postgres: PostgresServer, place: str):
    with Proxy(postgres.port) as proxy:
        yield proxy, place.replace(f":{postgres.port}/", f":{proxy.port}/")


@pytest.fixture
async def counted(proxied: tuple[Proxy, str]) -> AsyncIterator[tuple[Proxy, AsyncStore]]:
    """A store whose connections are open, and what counts its packets."""
    proxy, url = proxied
    async with AsyncStore(f"{url}&connections=1", ttl=3600) as store:
        thread = store.thread("t")
        await thread.state.set("stands", 1)
        await thread.messages.append({"role": "user", "content": "hello"})
        await thread.state.get("stands")
        await thread.state.get_all()
        yield proxy, store


async def _conflict(store: AsyncStore) -> None:
    with pytest.raises(Conflict):
        await store.thread("t").state.set("stands", 2, if_revision=99)


CALLS: dict[str, Call] = {
    "get": lambda store: store.thread("t").state.get("stands"),
    "get of nothing": lambda store: store.thread("nobody").state.get("stands"),
    "get_all": lambda store: store.thread("t").state.get_all(),
    "set": lambda store: store.thread("t").state.set("stands", 2),
    "set of a new thread": lambda store: store.thread("new").state.set("stands", 2),
    "guard that fails": _conflict,
    "update": lambda store: store.thread("t").state.update({str(n): n for n in range(30)}),
    "increment": lambda store: store.thread("t").state.increment("n"),
    "append": lambda store: store.thread("t").messages.append({"role": "user", "content": "x"}),
    "list": lambda store: store.thread("t").messages.list(last=10),
    "labels": lambda store: store.thread("t").set_labels(user="alice"),
    "info": lambda store: store.thread("t").info(),
    "large value": lambda store: store.thread("t").state.set("large", "x" * 900_000),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_is_one_trip(name: str, counted: tuple[Proxy, AsyncStore]):
    proxy, store = counted
    proxy.delay = 0.02
    loop = asyncio.get_running_loop()
    took: list[float] = []
    for _ in range(3):
        begun = loop.time()
        await CALLS[name](store)
        took.append(loop.time() - begun)
    assert 0.04 <= min(took) < 0.08  # two trips are 80 ms at the least


async def test_calls_at_once_share_trips(counted: tuple[Proxy, AsyncStore]):
    proxy, store = counted
    threads = [store.thread(f"t{n}") for n in range(50)]
    proxy.reset()
    await asyncio.gather(*(thread.state.set("a", 1) for thread in threads))
    assert proxy.counts.packets_up <= 10
    proxy.reset()
    await asyncio.gather(*(thread.state.get("a") for thread in threads))
    assert proxy.counts.packets_up <= 5


async def test_a_read_that_renews_is_one_trip_more(counted: tuple[Proxy, AsyncStore]):
    proxy, store = counted
    thread = store.thread("t")
    await thread.state.set("short", 1, ttl=1.0)
    await asyncio.sleep(0.2)
    proxy.reset()
    assert await thread.state.get("short") == 1
    assert proxy.counts.packets_up == 2
