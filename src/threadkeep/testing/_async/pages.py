"""Listings read page by page while others write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.model.records import ThreadInfo
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks

COUNT = 12
GRAIN = 60
Between = Callable[[int], Awaitable[object]]


async def nothing(_page: int) -> None:
    """Do nothing between two pages."""


@pytest.mark.anyio
class TestPages:
    """A thread is never missing from a full listing, nor twice in it, because of a write."""

    async def fill(self, store: AsyncStore, clock: AsyncClock, every: float = 0.01) -> list[str]:
        names = [f"t{number:02}" for number in range(COUNT)]
        for name in names:
            await store.thread(name).set_labels(user="alice")
            await clock.pass_(every)
        return names

    async def walk(
        self, store: AsyncStore, between: Between = nothing, *, limit: int = 3, **labels: Any
    ) -> list[tuple[ThreadInfo, ...]]:
        listing = store.threads(limit=limit, **labels)
        pages = [await listing.page()]
        while pages[-1].cursor is not None:
            await between(len(pages) - 1)
            pages.append(await listing.page(pages[-1].cursor))
        assert all(len(page.items) <= limit for page in pages)
        return [page.items for page in pages]

    def names(self, pages: list[tuple[ThreadInfo, ...]]) -> list[str]:
        return [thread.id for page in pages for thread in page]

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 11, 12, 13])
    @pytest.mark.parametrize("labels", [{}, {"user": "alice"}], ids=["all", "labelled"])
    async def test_pages_make_up_the_listing(
        self, store: AsyncStore, clock: AsyncClock, limit: int, labels: dict[str, Any]
    ) -> None:
        names = await self.fill(store, clock)
        found = await self.walk(store, limit=limit, **labels)
        assert self.names(found) == names[::-1]
        by_id = store.threads(limit=limit, prefix="t", **labels)
        cursor, seen = None, list[str]()
        while True:
            page = await by_id.page(cursor)
            seen += [t.id for t in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == names

    @needs("clock")
    @pytest.mark.parametrize("pause", [0.0, 61])
    @pytest.mark.parametrize("age", [0.01, 61])
    @pytest.mark.parametrize("which", ["the last", "the first", "each", "the same"])
    @pytest.mark.parametrize("labels", [{}, {"user": "alice"}], ids=["all", "labelled"])
    async def test_writes_between_pages(  # noqa: PLR0917 - each is a dimension of the test
        self,
        store: AsyncStore,
        clock: AsyncClock,
        pause: float,
        age: float,
        which: str,
        labels: dict[str, Any],
    ) -> None:
        names = await self.fill(store, clock, age)

        async def between(page: int) -> None:
            clock.jump(pause)
            written = {
                "the last": names[page : page + 1],
                "the first": names[-1 - page :][:1],
                "each": names,
                "the same": names[:1] + names[-1:],
            }[which]
            for name in written:
                await store.thread(name).state.set("page", page)
                clock.jump(0.001)

        found = self.names(await self.walk(store, between, **labels))
        if which == "each" and pause > GRAIN:  # more than a page, moved twice: only ids could tell
            found = list(set(found))
        assert sorted(found) == names

    @needs("clock")
    @pytest.mark.parametrize("limit", [1, 2])
    @pytest.mark.parametrize("labels", [{}, {"user": "alice"}], ids=["all", "labelled"])
    async def test_what_is_written_twice_between_two_pages_is_not_missing(
        self, store: AsyncStore, clock: AsyncClock, limit: int, labels: dict[str, Any]
    ) -> None:
        names = await self.fill(store, clock)

        async def between(page: int) -> None:
            for _ in range(2 if page == 1 else 0):
                clock.jump(GRAIN + 1)
                for name in names:
                    await store.thread(name).state.increment("n")

        found = await self.walk(store, between, limit=limit, **labels)
        assert sorted(set(self.names(found))) == names

    @needs("clock")
    @pytest.mark.parametrize("labels", [{}, {"user": "alice"}], ids=["all", "labelled"])
    async def test_a_full_listing_is_exact_whatever_moves(
        self, store: AsyncStore, clock: AsyncClock, labels: dict[str, Any]
    ) -> None:
        names = [f"t{number:03}" for number in range(230)]
        for name in names:
            await store.thread(name).set_labels(user="alice")
        found: list[str] = []
        async for thread in store.threads(**labels):
            found.append(thread.id)
            if len(found) == 200:  # a page, read already; the next one is not
                for _ in range(2):
                    clock.jump(61)
                    for name in names:
                        await store.thread(name).state.increment("n")
        assert sorted(found) == names

    @needs("clock")
    @pytest.mark.parametrize("pause", [0.0, 61])
    async def test_births_and_deaths_between_pages(
        self, store: AsyncStore, clock: AsyncClock, pause: float
    ) -> None:
        names = await self.fill(store, clock)

        async def between(page: int) -> None:
            clock.jump(pause)
            await store.thread(f"new{page}").state.set("a", 1)
            if page < 2:
                await store.thread(names[page]).destroy()
                await store.thread(names[-1 - page]).destroy()

        found = self.names(await self.walk(store, between))
        assert len(found) == len(set(found))
        assert set(names[2:]) <= set(found)
        assert not set(names[:2]) & set(found)

    @needs("clock")
    async def test_across_pages_the_order_is_exact_to_a_minute(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        names = await self.fill(store, clock, every=7)
        for name in (*names[::3], *names[1::4]):
            clock.jump(5)
            await store.thread(name).state.set("a", 1)
        pages = await self.walk(store)
        assert sorted(self.names(pages)) == names
        times = [[thread.updated_at for thread in page] for page in pages]
        for number, page in enumerate(times):
            assert page == sorted(page, reverse=True)
            for later in times[number + 1 :]:
                assert (max(later) - min(page)).total_seconds() <= GRAIN

    async def test_a_listing_while_everybody_writes(
        self, store: AsyncStore, clock: AsyncClock
    ) -> None:
        names = await self.fill(store, clock)
        ended: list[bool] = []

        async def write() -> None:
            number = 0
            while not ended:
                await store.thread(names[number % COUNT]).state.set("n", number)
                number += 1
                await AsyncTasks.sleep(0)

        async def read() -> None:
            try:
                for limit in (2, 5, 3):
                    assert sorted(self.names(await self.walk(store, limit=limit))) == names
                    assert sorted([t.id async for t in store.threads()]) == names
            finally:
                ended.append(True)

        await AsyncTasks.together(write, read)
