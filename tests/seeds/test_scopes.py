"""The snippets on thread and user state of a state-management page, ported as far as they are due here."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep import AsyncStore

pytestmark = pytest.mark.anyio


async def test_three_scopes() -> None:
    """Thread state persists over requests, user state over threads."""
    async with AsyncStore("memory://", thread_ttl=3600) as store:

        async def handler(thread_id: str, message: str) -> dict[str, Any]:
            thread, session = store.thread(thread_id), store.user("alice")
            messages = await thread.state.push("messages", message)
            total = await session.state.increment("totalRequests")
            return {"messageCount": messages, "total": total}

        assert await handler("t1", "hello") == {"messageCount": 1, "total": 1}
        assert await handler("t1", "again") == {"messageCount": 2, "total": 2}
        assert await handler("t2", "elsewhere") == {"messageCount": 1, "total": 3}


async def test_conversation_memory() -> None:
    """Initialise once, then history and a counter."""
    async with AsyncStore("memory://", thread_ttl=3600) as store:
        thread = store.thread()
        assert thread.id.startswith("thrd_")
        assert len(thread.id) == 37
        for turn, text in enumerate(("My name is Ada", "What is my name?"), 1):
            await thread.messages.append({"role": "user", "content": text})
            reply = f"{len(await thread.messages.list())} messages so far"
            await thread.messages.append({"role": "assistant", "content": reply})
            assert await thread.state.increment("turnCount") == turn
        assert [m["role"] for m in await thread.messages.list(last=20)] == ["user", "assistant"] * 2


async def test_reset() -> None:
    """Destroy clears the conversation; a new handle begins anew."""
    async with AsyncStore("memory://") as store:
        thread = store.thread("t")
        await thread.state.set("key", "value")
        await thread.destroy()
        fresh = store.thread("t")
        assert not await fresh.state.has("key")
        await fresh.state.set("key", "new")


async def test_thread_lifecycle() -> None:
    """The handler archives a conversation that ended after an hour of inactivity."""
    now = [1_800_000_000.0]
    async with AsyncStore("memory://", thread_ttl=3600, clock=lambda: now[0]) as store:

        @store.on("thread.destroyed")
        async def archive(event: Any) -> None:
            messages = await event.thread.messages.list()
            if messages:
                ended = event.ended_at.isoformat()
                record = {"messages": messages, "endedAt": ended}
                await store.app().state.set(f"archive:{event.thread.id}", record, ttl=604800)

        await store.thread("t1").messages.append("hello")
        now[0] += 3601
        swept = await store.sweep()
        assert swept.expired == 1
        found = await store.app().state.get("archive:t1")
        assert found["messages"] == ["hello"]


async def test_bounded_history() -> None:
    """Keep the last fifty and archive the others."""
    async with AsyncStore("memory://") as store:
        thread = store.thread("t")
        await thread.messages.append(*[f"m{n}" for n in range(60)])
        archived = (await thread.messages.list())[:-50]
        assert len(archived) == 10
        assert await thread.messages.trim(keep_last=50) == 10
        assert await thread.messages.count() == 50
