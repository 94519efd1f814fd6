"""The snippets of a per-field session tier's documentation, ported line by line, on SQLite and on Valkey."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from threadkeep import AsyncStore, Sliding
from threadkeep.cli import booking_agent

pytestmark = pytest.mark.anyio
THREAD = "user-42-thread-001"


@pytest.fixture(params=["sqlite", "valkey9_url"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncStore]:
    """Return a store whose fields have 30 minutes, sliding."""
    url = f"sqlite:///{tmp_path}/agent.db"
    if request.param != "sqlite":
        url = request.getfixturevalue(request.param)
    namespace = f"seed-{os.urandom(6).hex()}"
    async with AsyncStore(url, ttl=1800, namespace=namespace) as opened:
        yield opened


async def test_basic_operations(store: AsyncStore) -> None:
    """Write state fields, read one (which renews it), miss one."""
    state = store.thread(THREAD).state
    await state.set("intent", "book_flight")
    await state.set("destination", "Sofia")
    await state.set("departure", "2026-06-01")

    intent = await state.get("intent")
    assert intent == "book_flight"

    missing = await state.get("return_date")
    assert missing is None


async def test_getting_all_fields(store: AsyncStore) -> None:
    """All fields come at once."""
    thread = store.thread(THREAD)
    await thread.state.update(
        {"intent": "book_flight", "destination": "Sofia", "departure": "2026-06-01"}
    )
    state = await thread.state.get_all()
    assert state == {"intent": "book_flight", "destination": "Sofia", "departure": "2026-06-01"}


async def test_refreshing_ttls(store: AsyncStore) -> None:
    """Touch extends the ttl of every field."""
    state = store.thread(THREAD).state
    await state.update({"intent": "book_flight", "departure": "2026-06-01"})
    before = {name: await state.entry(name) for name in ("intent", "departure")}
    await state.touch()
    for name, entry in before.items():
        after = await state.entry(name)
        assert after is not None
        assert after.expires_at is not None
        assert entry is not None
        assert entry.expires_at is not None
        assert after.expires_at > entry.expires_at
        assert after.lease == Sliding(1800)


async def test_deleting_state(store: AsyncStore) -> None:
    """One field, then the thread; it says how many items went."""
    thread = store.thread(THREAD)
    await thread.state.update({"intent": "book_flight", "departure": "2026-06-01"})
    await thread.state.delete("departure")
    deleted = await thread.destroy()
    assert deleted == 1
    assert await store.thread(THREAD).state.get_all() == {}


async def search_flights(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Find flights and note that it was called."""
    searched.append(state["destination"])
    return [{"flight": "TK101", "to": state["destination"], "on": state["departure"]}]


searched: list[str] = []


async def run_agent(store: AsyncStore, thread_id: str, user_message: str) -> dict[str, Any]:
    """The booking agent of the page, line by line."""
    thread = store.thread(thread_id)
    await thread.state.get_all()
    if "book" in user_message and "flight" in user_message:
        await thread.state.set("intent", "book_flight")
    if dest_match := re.search(r"to (\w+)", user_message, re.IGNORECASE):
        await thread.state.set("destination", dest_match[1])
    if date_match := re.search(r"on (\d{4}-\d{2}-\d{2})", user_message):
        await thread.state.set("departure", date_match[1])
    await thread.state.touch()
    current_state = await thread.state.get_all()
    if (
        current_state.get("destination")
        and current_state.get("departure")
        and not current_state.get("searchResults")
    ):
        args = {"destination": current_state["destination"], "date": current_state["departure"]}
        results = await store.tools.check("search_flights", args)
        if not results.hit:
            flight_data = await search_flights(current_state)
            await store.tools.store("search_flights", args, json.dumps(flight_data))
            await thread.state.set("searchResults", json.dumps(flight_data))
        else:
            await thread.state.set("searchResults", results.response)
    return await thread.state.get_all()


async def test_multi_step_agent_example(store: AsyncStore) -> None:
    """State gathers over several messages; the second user's search is a hit of the tool cache."""
    searched.clear()
    assert await run_agent(store, THREAD, "book a flight") == {"intent": "book_flight"}
    assert len(await run_agent(store, THREAD, "to Sofia")) == 2
    state = await run_agent(store, THREAD, "on 2026-06-01")
    found = [{"flight": "TK101", "to": "Sofia", "on": "2026-06-01"}]
    assert json.loads(state.pop("searchResults")) == found
    assert state == {"intent": "book_flight", "destination": "Sofia", "departure": "2026-06-01"}

    other = await run_agent(store, "another-user", "book a flight to Sofia on 2026-06-01")
    assert json.loads(other["searchResults"]) == found
    assert searched == ["Sofia"]
    counts = (await store.stats()).tools.by_name["search_flights"]
    assert (counts.hits, counts.misses) == (1, 1)


async def test_the_booking_agent_of_the_package(
    store: AsyncStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same agent as `threadkeep demo` runs it: a second thread does not search again."""
    search = booking_agent.search_flights
    calls: list[Any] = []

    async def counted(state: booking_agent.BookingState) -> list[dict[str, Any]]:
        calls.append(state)
        return await search(state)

    monkeypatch.setattr(booking_agent, "search_flights", counted)
    message = "book a flight to Sofia on 2026-06-01"
    first, second = [
        await booking_agent.run_booking_agent(store, thread, message) for thread in ("a", "b")
    ]
    assert first == second
    assert len(calls) == 1
    assert (await store.thread("b").state.get("flight_prices")) is not None


async def test_session_state_patterns(store: AsyncStore) -> None:
    """Each row of the table of patterns."""
    state = store.thread(THREAD).state
    await state.set("intent", "book_flight")
    await state.set("city", "Sofia")
    await state.set("stage", "collecting_dates")
    await state.set("search_results", json.dumps([{"flight": "FB 101"}]))
    await state.set("last_failed_step", "payment")
    await state.touch()
    assert await state.keys() == ["city", "intent", "last_failed_step", "search_results", "stage"]


async def test_per_field_ttl_override(store: AsyncStore) -> None:
    """Each field keeps its own ttl, whatever is read and touched."""
    state = store.thread(THREAD).state
    prices = {"SOF": 129}
    await state.set("flight_prices", json.dumps(prices), ttl=300)  # 5 minutes
    await state.set("preferred_seat", "aisle", ttl=86400 * 30)  # 30 days
    await state.set("intent", "book_flight")
    await state.get("flight_prices")
    await state.get_all()
    await state.touch()
    seconds = {"flight_prices": 300, "preferred_seat": 86400 * 30, "intent": 1800}
    for name, ttl in seconds.items():
        entry = await state.entry(name)
        assert entry is not None
        assert entry.expires_at is not None
        assert entry.lease == Sliding(timedelta(seconds=ttl))


async def test_a_short_field_ends_and_a_long_one_stays() -> None:
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
