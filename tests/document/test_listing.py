"""A listing over documents misses no thread, though others move it while pages are read."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.document.drivers import AsyncComparing, Rows
from threadkeep import AsyncStore
from threadkeep.engines.document import Document
from threadkeep.engines.document._async import places

MINUTE = 60
TOP = "default:thread"


class Slow(AsyncComparing):
    """A driver of another process, which waits before it stores one document."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self.slow = ""
        self.waits, self.go_on = asyncio.Event(), asyncio.Event()

    async def compare_and_set(self, row: Document, version: int) -> bool:
        if row.id == self.slow:
            self.waits.set()
            await self.go_on.wait()
        return await super().compare_and_set(row, version)


def test_a_move_that_is_under_way_elsewhere_is_waited_for():
    now = [1_800_000_000.0]
    rows: Rows = {}

    async def run() -> list[str]:
        driver = Slow(rows)
        mover = AsyncStore.from_client(driver, clock=lambda: now[0])
        other = AsyncStore.from_client(AsyncComparing(rows), clock=lambda: now[0])
        async with mover, other:
            for name in "abcd":
                await other.thread(name).state.set("x", 1)
            now[0] += 2 * MINUTE
            driver.slow = "default:thread:a"
            moving = asyncio.create_task(mover.thread("a").state.set("x", 2))
            await driver.waits.wait()  # it has its new place and does not stand there
            await other.thread("b").state.set("x", 2)  # which is passed by another
            page = asyncio.create_task(other.threads(limit=2).page())
            await asyncio.sleep(0.02)
            assert not page.done()
            driver.go_on.set()
            await moving
            first = await page
            rest = await other.threads(limit=10).page(first.cursor)
            return [each.id for each in (*first.items, *rest.items)]

    assert sorted(asyncio.run(run())) == ["a", "b", "c", "d"]


def test_who_died_on_the_way_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "STALL", 0.02)
    rows: Rows = {}

    async def run() -> None:
        async with AsyncStore.from_client(AsyncComparing(rows)) as store:
            await store.thread("a").state.set("x", 1)
            text, version = rows[TOP]
            top = json.loads(text)
            rows[TOP] = (json.dumps(top | {"moving": [top["top"]]}), version)
            assert [each.id async for each in store.threads()] == ["a"]
            assert json.loads(rows[TOP][0])["moving"] == []
            await store.thread("b").state.set("x", 1)
            assert [each.id async for each in store.threads()] == ["b", "a"]

    asyncio.run(run())
