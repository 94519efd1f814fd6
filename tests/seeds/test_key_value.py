"""The snippets of a state-management page that keep things in key-value namespaces, ported line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from threadkeep import AsyncStore
from threadkeep._async.lifecycle import AsyncThreadEvent

pytestmark = pytest.mark.anyio
URLS = ["memory://", "sqlite:///agent.db"]
DAY = 86_400


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return request.param


async def test_load_cache_save(url: str) -> None:
    """Load from the archive on the first access in a thread, answer from state, save for a day."""
    now = [1_800_000_000.0]
    async with AsyncStore(url, thread_ttl=3_600, clock=lambda: now[0]) as store:

        async def handler(thread_id: str, message: str) -> str:
            thread, conversations = store.thread(thread_id), store.kv("conversations")
            key = f"chat_{thread.id}"
            messages: list[dict[str, str]] = []
            if not await thread.state.has("loaded"):
                result = await conversations.get(key)
                if result is not None:
                    messages = result.value
                await thread.state.set("messages", messages)
                await thread.state.set("loaded", value=True)
            else:
                messages = await thread.state.get("messages")
            messages.append({"role": "user", "content": message})
            text = f"{len(messages)} so far"
            messages.append({"role": "assistant", "content": text})
            recent = messages[-20:]
            await thread.state.set("messages", recent)
            await conversations.set(key, recent, ttl=DAY)
            return text

        assert await handler("t1", "hello") == "1 so far"
        assert await handler("t1", "again") == "3 so far"
        now[0] += 3_601  # the thread has ended, its conversation has not
        assert await store.thread("t1").info() is None
        assert await handler("t1", "back") == "5 so far"
        for number in range(20):
            await handler("t1", str(number))
        kept = await store.kv("conversations").get("chat_t1")
        assert kept is not None
        assert (len(kept.value), kept.content_type) == (20, "application/json")
        now[0] += DAY + 1
        assert await store.kv("conversations").get("chat_t1") is None


async def test_archive_at_the_end_of_a_thread(url: str) -> None:
    """A thread that ends after an hour of inactivity is archived for seven days, under its id."""
    now = [1_800_000_000.0]
    async with AsyncStore(url, thread_ttl=3_600, clock=lambda: now[0]) as store:

        @store.on("thread.destroyed")
        async def archive(event: AsyncThreadEvent) -> None:
            messages = await event.thread.state.get("messages", [])
            if messages:
                record = {"messages": messages, "endedAt": event.ended_at}
                await store.kv("archives").set(event.thread.id, record, ttl=604_800)

        thread, empty = store.thread(), store.thread()
        await thread.state.push("messages", "hello")
        await empty.state.set("seen", value=True)
        now[0] += 3_601
        assert (await store.sweep()).expired == 2
        archives = store.kv("archives").keys()
        assert [key async for key in archives] == [thread.id]
        found: Any = await store.kv("archives").get(thread.id)
        assert found.value["messages"] == ["hello"]
        assert found.value["endedAt"].timestamp() == 1_800_003_600
        assert found.expires_at.timestamp() == now[0] + 604_800
        stats = await store.kv("archives").stats()
        assert stats.count == 1


async def test_keep_state_bounded(url: str) -> None:
    """The last fifty messages stay, the others go to the archive under the thread's id and a time."""
    async with AsyncStore(url) as store:
        thread = store.thread("t1")
        await thread.state.set("messages", [f"m{n}" for n in range(60)])
        messages = await thread.state.get("messages")
        if len(messages) > 50:
            archived = messages[:-50]
            await store.kv("archives").set(f"{thread.id}_1800000000000", archived)
            await thread.state.set("messages", messages[-50:])
        assert len(await thread.state.get("messages")) == 50
        page = await store.kv("archives").keys(prefix=f"{thread.id}_").page()
        assert page.items == ("t1_1800000000000",)
        match = (await store.kv("archives").search("T1_").page()).items[0]
        assert len(match.value) == 10


async def test_preferences_survive_a_restart(tmp_path: Path) -> None:
    """What the page keeps in a session that a restart clears stands in the user's state, or in a namespace."""
    url = f"sqlite:///{tmp_path}/agent.db"
    for visits in (1, 2):
        async with AsyncStore(url) as store:
            assert await store.user("alice").state.increment("visits") == visits
            seen = await store.kv("visitors").get("alice")
            await store.kv("visitors").set("alice", {"visits": visits})
            assert (seen is None) == (visits == 1)
