"""A booking agent that accumulates state across several messages.

    threadkeep demo "book a flight to Sofia on 2026-06-01"
    python examples/booking_agent.py "book a flight" "to Sofia" "on 2026-06-01"

Run it again: it goes on where it stopped, also after the process ended.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any, TypedDict, cast

from threadkeep import AsyncStore

THREAD_ID = "user-42-thread-001"
TTL = 1800  # 30 min sliding window; what a tool found is kept for an hour


class BookingState(TypedDict, total=False):
    """What the agent knows of a booking."""

    intent: str
    origin: str
    destination: str
    departure: str
    passenger_count: str
    search_results: list[dict[str, Any]]


async def run_booking_agent(store: AsyncStore, thread_id: str, user_message: str) -> BookingState:
    """Take one message of the user and return all that is known after it."""
    thread = store.thread(thread_id)

    # Load existing state
    _state = cast("BookingState", await thread.state.get_all())

    # Extract intent from message (simplified)
    if "book" in user_message and "flight" in user_message:
        await thread.state.set("intent", "book_flight")

    # Extract destination ("I want to book" names none)
    dest_match = re.search(r"\bto (?!book\b)(\w+)", user_message, re.IGNORECASE)
    if dest_match:
        await thread.state.set("destination", dest_match[1])

    # Extract departure date
    date_match = re.search(r"on (\d{4}-\d{2}-\d{2})", user_message)
    if date_match:
        await thread.state.set("departure", date_match[1])

    # Refresh all TTLs so the session doesn't partially expire
    await thread.state.touch()

    # Read current state
    current_state = cast("BookingState", await thread.state.get_all())

    # Search for flights only when we have enough context; what was found is kept while it lives,
    # also when the user names another place meanwhile
    if (
        current_state.get("destination")
        and current_state.get("departure")
        and not current_state.get("search_results")
    ):
        flight_data = await find_flights(store, current_state)
        await thread.state.set("search_results", flight_data)
        await override_ttls(store, thread_id, flight_data)

    return cast("BookingState", await thread.state.get_all())


async def find_flights(store: AsyncStore, state: BookingState) -> list[dict[str, Any]]:
    """Search, unless somebody has asked for the same flights within the hour."""
    args = {"destination": state.get("destination"), "date": state.get("departure")}
    results = await store.tools.check("search_flights", args)
    if results.hit:
        return results.response
    flight_data = await search_flights(state)
    await store.tools.store("search_flights", args, flight_data)
    return flight_data


async def override_ttls(
    store: AsyncStore, thread_id: str, flight_data: list[dict[str, Any]]
) -> None:
    """Write two fields whose lifetimes are not the default of the store."""
    thread = store.thread(thread_id)
    prices = {flight["flight"]: flight["price"] for flight in flight_data}

    # Short-lived field: search results that go stale quickly
    await thread.state.set("flight_prices", prices, ttl=300)  # 5 minutes

    # Long-lived field: user preferences that persist across sessions
    await thread.state.set("preferred_seat", "aisle", ttl=86400 * 30)  # 30 days


async def search_flights(state: BookingState) -> list[dict[str, Any]]:
    """Find flights: the same ones for the same question, for this is no airline."""
    destination, date = state.get("destination", ""), state.get("departure", "")
    seed = sum(map(ord, destination + date))
    return [
        {
            "flight": f"TK{100 + (seed * step) % 900}",
            "destination": destination,
            "departure": f"{date}T{6 + 4 * step:02}:{seed % 60:02}:00",
            "price": 80 + (seed * step) % 120,
        }
        for step in (1, 2, 3)
    ]


async def main(messages: list[str]) -> None:
    """Run the agent on each message and print what it knows."""
    async with AsyncStore("sqlite:///threadkeep.db", ttl=TTL) as store:
        for message in messages:
            print(">", message)
            state = await run_booking_agent(store, THREAD_ID, message)
            for name, value in state.items():
                print(f"  {name} = {value}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or ["book a flight to Sofia on 2026-06-01"]))
