"""The snippets of a per-field session tier's documentation, ported line by line."""

from __future__ import annotations

import json

import pytest

from threadkeep import AsyncStore

pytestmark = pytest.mark.anyio
THREAD = "user-42-thread-001"


async def test_basic_operations() -> None:
    """Write state fields, read one (which renews it), miss one."""
    async with AsyncStore("memory://", ttl=1800) as store:
        state = store.thread(THREAD).state
        await state.set("intent", "book_flight")
        await state.set("destination", "Sofia")
        await state.set("departure", "2026-06-01")

        intent = await state.get("intent")
        assert intent == "book_flight"
        missing = await state.get("return_date")
        assert missing is None


async def test_getting_all_fields() -> None:
    """All fields come at once."""
    async with AsyncStore("memory://", ttl=1800) as store:
        state = store.thread(THREAD).state
        await state.update(
            {"intent": "book_flight", "destination": "Sofia", "departure": "2026-06-01"}
        )
        found = await state.get_all()
        assert found == {
            "intent": "book_flight",
            "destination": "Sofia",
            "departure": "2026-06-01",
        }


async def test_refreshing_and_deleting() -> None:
    """Touch renews every field; delete takes one; destroy takes the thread and counts."""
    now = [1_800_000_000.0]
    async with AsyncStore("memory://", ttl=1800, clock=lambda: now[0]) as store:
        thread = store.thread(THREAD)
        await thread.state.update({"intent": "book_flight", "departure": "2026-06-01"})
        now[0] += 1799
        await thread.state.touch()
        now[0] += 1799
        assert await thread.state.size() == 2
        await thread.state.delete("departure")
        deleted = await thread.destroy()
        assert deleted == 1
        assert await thread.state.get_all() == {}


async def test_session_state_patterns() -> None:
    """Each row of the table of patterns."""
    async with AsyncStore("memory://", ttl=1800) as store:
        state = store.thread(THREAD).state
        await state.set("intent", "book_flight")
        await state.set("city", "Sofia")
        await state.set("stage", "collecting_dates")
        await state.set("search_results", json.dumps([{"flight": "FB 101"}]))
        await state.set("last_failed_step", "payment")
        await state.touch()
        assert await state.keys() == [
            "city",
            "intent",
            "last_failed_step",
            "search_results",
            "stage",
        ]


async def test_per_field_ttl_override() -> None:
    """A short field stays short and a long one long, whatever is read."""
    now = [1_800_000_000.0]
    async with AsyncStore("memory://", ttl=1800, clock=lambda: now[0]) as store:
        state = store.thread(THREAD).state
        await state.set("flight_prices", json.dumps({"SOF": 129}), ttl=300)
        await state.set("preferred_seat", "aisle", ttl=86400 * 30)
        await state.set("intent", "book_flight")
        for _ in range(10):
            now[0] += 299
            assert len(await state.get_all()) == 3
        now[0] += 301
        assert await state.get_all() == {"preferred_seat": "aisle", "intent": "book_flight"}
        now[0] += 86400 * 28
        assert await state.get_all() == {"preferred_seat": "aisle"}
