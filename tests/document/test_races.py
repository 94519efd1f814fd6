"""Races on documents: in one store always, between stores and processes with `compare_and_set`."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.document.drivers import AsyncComparing, Plain, Rows
from tests.document.shared import PLACE
from threadkeep import AsyncStore, Store
from threadkeep.engines.document import DocumentEngine
from threadkeep.testing.machine import check_machine
from threadkeep.testing.races import RACES, race
from threadkeep.testing.races_crew import drive
from threadkeep.testing.races_processes import Mode, race_processes


@pytest.mark.parametrize("name", RACES)
def test_tasks(name: str):
    async def run() -> None:
        async with AsyncStore.from_client(AsyncComparing({})) as store:
            await race(store, RACES[name], callers=6, each=10)

    asyncio.run(run())


@pytest.mark.parametrize("name", RACES)
def test_threads_on_a_plain_driver(name: str):
    with Store.from_client(Plain({})) as store:
        drive(race(store, RACES[name], callers=4, each=10))


def test_stores_that_know_nothing_of_each_other():
    rows: Rows = {}

    async def work(store: AsyncStore) -> None:
        for n in range(40):
            await store.thread("t").state.increment("n")
            await store.thread("t").messages.append(n)
            await store.thread(f"own {id(store)} {n}").state.set("a", 1)

    async def run() -> None:
        stores = [AsyncStore.from_client(AsyncComparing(rows)) for _ in range(4)]
        await asyncio.gather(*map(work, stores))
        assert await stores[0].thread("t").state.get("n") == 160
        assert await stores[0].thread("t").messages.count() == 160
        listed = [each.id async for each in stores[0].threads()]
        assert len(listed) == len(set(listed)) == 161  # no two have one place
        for store in stores:
            await store.aclose()

    asyncio.run(run())


@pytest.mark.parametrize(("name", "mode"), [("increments", "sync"), ("winner", "async")])
def test_processes(name: str, mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(PLACE, str(tmp_path / "t.db"))
    url = "document:///tests.document.shared:driver"
    parts = race_processes(url, name, processes=2, callers=2, each=10, mode=mode)
    assert len(parts) == 2


def test_the_machine_finds_no_difference():
    check_machine(
        lambda: partial(DocumentEngine, Plain({})),
        settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
