"""One of everything on a store, and what must be true after it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from threadkeep import AsyncStore, Conflict, Gone, Store

TEXT = "é \U0001f680 ' \" \\ %s ? $1 :p \x00"


async def use(store: AsyncStore) -> None:
    """Use a store with tasks."""
    thread = store.thread("Ünïcode 'thread' %s ? $1")
    await thread.state.update({"text": TEXT, "bytes": b"\x00\xff"})
    await asyncio.gather(*(thread.state.increment("n") for _ in range(30)))
    assert await thread.state.get_all() == {"bytes": b"\x00\xff", "n": 30, "text": TEXT}
    with pytest.raises(Conflict):
        await thread.state.set("n", 1, if_revision=1)
    await thread.messages.append({"role": "user", "content": TEXT}, "x" * 70_000)
    assert await thread.messages.count() == 2
    await thread.snapshots.save({"version": "1.0", "data": TEXT})
    assert await thread.snapshots.load() == {"version": "1.0", "data": TEXT}
    assert [each.id async for each in store.threads()] == [thread.id]
    await store.thread("other").state.set("a", 1, ttl=60)
    assert [each.id async for each in store.threads(prefix="")] == ["other", thread.id]
    await thread.destroy()
    with pytest.raises(Gone):
        await thread.state.set("a", 1)
    assert [each.id async for each in store.threads()] == ["other"]


def use_with_threads(store: Store) -> None:
    """Use a store with threads."""
    thread = store.thread("t")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: thread.state.increment("n"), range(30)))
    thread.messages.append({"role": "user", "content": TEXT})
    assert thread.state.get("n") == 30
    assert thread.messages.list() == [{"role": "user", "content": TEXT}]
