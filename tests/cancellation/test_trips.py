"""What each public call costs: calls of the engine, counted on an open store."""

from __future__ import annotations

import asyncio

import pytest

from tests.cancellation.cases import CASES, NO_IO, OLD, fill, public
from threadkeep import AsyncStore, Store
from threadkeep._async.lifecycle import AsyncThreadEvent
from threadkeep.model.caches import CacheOptions
from threadkeep.ops.engine import AsyncEngine, Engine
from threadkeep.testing.trips import AsyncTrips, Trips


def test_every_public_call_has_a_case():
    known = {name for case in CASES.values() for name in case.names}
    known |= {f"{owner}.{name}" for owner, names in NO_IO.items() for name in names}
    assert sorted(set(public()) - known) == [], "add a Case (or NO_IO) for what is new"
    assert sorted(known - set(public())) == [], "there is no such call any more"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.trips is not None])
def test_trips(name: str):
    case = CASES[name]

    async def run() -> dict[str, int]:
        counters: list[AsyncTrips] = []

        def count(engine: AsyncEngine) -> AsyncEngine:
            counters.append(AsyncTrips(engine))
            return counters[0]

        now = 1_800_000_000.0
        rarely = CacheOptions(flush_seconds=3_600)
        async with AsyncStore("memory://", clock=lambda: now, wrap=[count], caches=rarely) as store:
            await fill(store)
            now += 60
            if case.told:
                store.on("thread.destroyed", _read_last)
            counters[0].taken()
            await case.call(store)
            return counters[0].taken()

    assert asyncio.run(run()) == case.trips


async def _read_last(event: AsyncThreadEvent) -> None:
    """Do what a handler does."""
    await event.thread.state.get("last")


def test_a_failed_guard_costs_no_second_trip():
    counters: list[Trips] = []

    def count(engine: Engine) -> Engine:
        counters.append(Trips(engine))
        return counters[0]

    with Store("memory://", wrap=[count]) as store:
        state = store.thread("t").state
        state.set("a", 1)
        counters[0].taken()
        with pytest.raises(Exception, match="revision 1"):
            state.set("a", 2, if_revision=7)
        assert counters[0].taken() == {"run": 1}


def test_the_twin_counts_alike():
    counters: list[Trips] = []

    def count(engine: Engine) -> Engine:
        counters.append(Trips(engine))
        return counters[0]

    now = 1_800_000_000.0
    with Store("memory://", wrap=[count], clock=lambda: now) as store:
        for name in OLD:
            store.thread(name).state.set("a", 1)
            store.thread(name).touch(ttl=10)
        assert counters[0].taken() == {"run": 6}
        assert len(list(store.threads())) == 3
        assert counters[0].taken() == {"scan": 1}
        now += 11
        assert store.sweep().expired == 3
        assert counters[0].taken() == {"claim": 2, "run": 3}
        assert store.thread("t").state.mutate("n", lambda _: 1) == 1
        assert counters[0].taken() == {"run": 2}


def test_a_page_of_a_long_listing_costs_one_scan():
    async def run() -> dict[str, int]:
        counters: list[AsyncTrips] = []

        def count(engine: AsyncEngine) -> AsyncEngine:
            counters.append(AsyncTrips(engine))
            return counters[0]

        async with AsyncStore("memory://", wrap=[count]) as store:
            for number in range(450):
                await store.thread(f"t{number}").state.set("a", 1)
            counters[0].taken()
            assert len([info async for info in store.threads()]) == 450
            return counters[0].taken()

    assert asyncio.run(run()) == {"scan": 3}


def test_contention_costs_two_trips_for_each_try():
    async def run() -> tuple[dict[str, int], int]:
        counters: list[AsyncTrips] = []

        def count(engine: AsyncEngine) -> AsyncEngine:
            counters.append(AsyncTrips(engine))
            return counters[0]

        async with AsyncStore("memory://", wrap=[count]) as store:
            state = store.thread("t").state
            tries = 0

            def slow(found: int) -> int:
                nonlocal tries
                tries += 1
                return found + 1

            await asyncio.gather(*(state.mutate("n", slow, default=0) for _ in range(8)))
            assert await state.get("n", renew=False) == 8
            return counters[0].taken(), tries

    taken, tries = asyncio.run(run())
    assert taken == {"run": 2 * tries + 1}
