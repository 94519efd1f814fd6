"""What goes over the wire: two trips for a write, also when a guard fails, one for a read, whoever else calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.servers.mariadb import MariadbServer
from tests.servers.proxy import Proxy
from threadkeep import AsyncStore, Conflict

pytestmark = pytest.mark.anyio
Call = Callable[[AsyncStore], Awaitable[object]]


@pytest.fixture
async def counted(mariadb: MariadbServer, place: str) -> AsyncIterator[tuple[Proxy, AsyncStore]]:
    """A store whose connections are open, and what counts its packets."""
    with Proxy(mariadb.port) as proxy:
        url = place.replace(f":{mariadb.port}/", f":{proxy.port}/")
        async with AsyncStore(f"{url}?connections=1", ttl=3600) as store:
            thread = store.thread("t")
            await thread.state.set("stands", 1)
            await thread.messages.append({"role": "user", "content": "hello"})
            await thread.set_labels(user="bob", team="x")
            yield proxy, store


async def _conflict(store: AsyncStore) -> None:
    with pytest.raises(Conflict):
        await store.thread("t").state.set("stands", 2, if_revision=99)


async def _list(store: AsyncStore, labels: dict[str, str] | None = None) -> None:
    assert [thread.id async for thread in store.threads(labels=labels)] == ["t"]


def _message(name: str) -> dict[str, str]:
    return {"role": "user", "content": name}


CALLS: dict[str, tuple[int, Call]] = {
    "get": (1, lambda store: store.thread("t").state.get("stands")),
    "get of nothing": (1, lambda store: store.thread("nobody").state.get("stands")),
    "get_all": (1, lambda store: store.thread("t").state.get_all()),
    "list": (1, lambda store: store.thread("t").messages.list(last=10)),
    "info": (1, lambda store: store.thread("t").info()),
    "threads": (1, _list),
    "threads with a label": (1, lambda store: _list(store, {"user": "bob"})),
    "threads with two labels": (2, lambda store: _list(store, {"user": "bob", "team": "x"})),
    "set": (2, lambda store: store.thread("t").state.set("stands", 2)),
    "set of a new thread": (2, lambda store: store.thread("new").state.set("stands", 2)),
    "guard that fails": (2, _conflict),
    "update": (2, lambda store: store.thread("t").state.update({str(n): n for n in range(30)})),
    "delete": (2, lambda store: store.thread("t").state.delete("stands")),
    "clear": (2, lambda store: store.thread("t").state.clear()),
    "increment": (2, lambda store: store.thread("t").state.increment("n")),
    "push": (2, lambda store: store.thread("t").state.push("log", 1, keep=5)),
    "mutate, a read and a guarded write": (
        3,
        lambda store: store.thread("t").state.mutate("stands", lambda n: n + 1),
    ),
    "append": (2, lambda store: store.thread("t").messages.append(_message("x"))),
    "pop": (2, lambda store: store.thread("t").messages.pop()),
    "replace": (2, lambda store: store.thread("t").messages.replace([_message("y")])),
    "snapshot": (2, lambda store: store.thread("t").snapshots.save({"a": 1})),
    "labels": (2, lambda store: store.thread("t").set_labels(user="alice")),
    "touch": (2, lambda store: store.thread("t").touch()),
    "destroy": (2, lambda store: store.thread("t").destroy()),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_is_one_or_two_trips(name: str, counted: tuple[Proxy, AsyncStore]):
    proxy, store = counted
    trips, call = CALLS[name]
    proxy.reset()
    await call(store)
    assert proxy.counts.packets_up == trips


async def test_a_large_value_is_two_trips(counted: tuple[Proxy, AsyncStore]):
    """Each turn of the two sides is a trip, however many packets it takes."""
    proxy, store = counted
    proxy.delay = 0.4
    begun = time.monotonic()
    await store.thread("t").state.set("large", "x" * 900_000)
    assert 1.6 <= time.monotonic() - begun < 2.4


async def test_calls_at_once_share_trips(counted: tuple[Proxy, AsyncStore]):
    proxy, store = counted
    threads = [store.thread(f"t{n}") for n in range(50)]
    proxy.reset()
    await asyncio.gather(*(thread.state.set("a", 1) for thread in threads))
    assert proxy.counts.packets_up <= 12
    proxy.reset()
    await asyncio.gather(*(thread.state.get("a") for thread in threads))
    assert proxy.counts.packets_up <= 6


async def test_what_has_run_out_costs_no_further_trip(counted: tuple[Proxy, AsyncStore]):
    proxy, store = counted
    thread = store.thread("t")
    await thread.state.set("short", 1, ttl=0.2)
    await asyncio.sleep(0.3)
    proxy.reset()
    await thread.state.set("other", 1)
    assert proxy.counts.packets_up == 2
    assert await thread.state.get_all() == {"stands": 1, "other": 1}


async def test_a_read_that_renews_is_two_trips_more(counted: tuple[Proxy, AsyncStore]):
    proxy, store = counted
    thread = store.thread("t")
    await thread.state.set("short", 1, ttl=1.0)
    await asyncio.sleep(0.2)
    proxy.reset()
    assert await thread.state.get("short") == 1
    assert proxy.counts.packets_up == 3
