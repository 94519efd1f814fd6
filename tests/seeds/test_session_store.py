"""The snippets of a session store interface's documentation (save, load, delete, has, list), ported."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep import AsyncStore

pytestmark = pytest.mark.anyio


class MemorySessionStore:
    """The first example: a store of snapshots by session id."""

    def __init__(self) -> None:
        self._store = AsyncStore("memory://")

    async def save(self, session_id: str, snapshot: dict[str, Any]) -> None:
        await self._store.sessions.save(session_id, snapshot)

    async def load(self, session_id: str) -> dict[str, Any] | None:
        return await self._store.sessions.load(session_id)

    async def delete(self, session_id: str) -> None:
        await self._store.sessions.delete(session_id)


class ExpiringSessionStore:
    """The second example: a prefix, and a day to live."""

    def __init__(self, store: AsyncStore, prefix: str = "session:") -> None:
        self._store = store
        self._prefix = prefix

    async def save(self, session_id: str, snapshot: dict[str, Any]) -> None:
        await self._store.sessions.save(self._prefix + session_id, snapshot)

    async def load(self, session_id: str) -> dict[str, Any] | None:
        return await self._store.sessions.load(self._prefix + session_id)

    async def delete(self, session_id: str) -> None:
        await self._store.sessions.delete(self._prefix + session_id)


SNAPSHOT = {"version": "1.0", "sessionId": "s1", "tick": 3, "timeline": None, "comState": {}}


async def test_memory_session_store() -> None:
    """Save and load; None for what is not there; delete."""
    sessions = MemorySessionStore()
    assert await sessions.load("s1") is None
    await sessions.save("s1", SNAPSHOT)
    assert await sessions.load("s1") == SNAPSHOT
    await sessions.delete("s1")
    assert await sessions.load("s1") is None


async def test_expiring_session_store() -> None:
    """The snapshot lives for a day from its last use."""
    now = [1_800_000_000.0]
    async with AsyncStore("memory://", thread_ttl=86400, clock=lambda: now[0]) as store:
        sessions = ExpiringSessionStore(store)
        await sessions.save("s1", SNAPSHOT)
        now[0] += 86_399
        assert await sessions.load("s1") == SNAPSHOT
        now[0] += 86_401
        assert await sessions.load("s1") is None


async def test_optional_methods() -> None:
    """`has` and `list`, the latter newest first or by prefix."""
    async with AsyncStore("memory://") as store:
        for name in ("a", "b", "ab"):
            await store.sessions.save(name, SNAPSHOT)
        await store.thread("no-snapshot").state.set("x", 1)
        assert await store.sessions.has("a")
        assert not await store.sessions.has("no-snapshot")
        assert await store.sessions.list() == ["ab", "b", "a"]
        assert await store.sessions.list(prefix="a") == ["a", "ab"]
        assert await store.sessions.delete("a")
        assert not await store.sessions.delete("a")
        assert sorted(await store.sessions.list()) == ["ab", "b"]
