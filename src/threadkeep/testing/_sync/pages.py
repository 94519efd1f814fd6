# Generated from src/threadkeep/testing/_async/pages.py by scripts/unasync. Do not edit.
"""Listings read page by page while others write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from threadkeep._sync.store import Store
from threadkeep.model.records import ThreadInfo
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Tasks

COUNT = 12
GRAIN = 60
Between = Callable[[int], object]


def nothing(_page: int) -> None:
    """Do nothing between two pages."""


class TestPages:
    """A thread is never missing from a full listing, nor twice in it, because of a write."""

    def fill(self, store: Store, clock: Clock, every: float = 0.01) -> list[str]:
        names = [f"t{number:02}" for number in range(COUNT)]
        for name in names:
            store.thread(name).set_labels(user="alice")
            clock.pass_(every)
        return names

    def walk(
        self, store: Store, between: Between = nothing, *, limit: int = 3, **labels: Any
    ) -> list[tuple[ThreadInfo, ...]]:
        listing = store.threads(limit=limit, **labels)
        pages = [listing.page()]
        while pages[-1].cursor is not None:
            between(len(pages) - 1)
            pages.append(listing.page(pages[-1].cursor))
        assert all(len(page.items) <= limit for page in pages)
        return [page.items for page in pages]

    def names(self, pages: list[tuple[ThreadInfo, ...]]) -> list[str]:
        return [thread.id for page in pages for thread in page]

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 11, 12, 13])
    @pytest.mark.parametrize("labels", [{}, {"user": "alice"}], ids=["all", "labelled"])
    def test_pages_make_up_the_listing(
        self, store: Store, clock: Clock, limit: int, labels: dict[str, Any]
    ) -> None:
        names = self.fill(store, clock)
        found = self.walk(store, limit=limit, **labels)
        assert self.names(found) == names[::-1]
        by_id = store.threads(limit=limit, prefix="t", **labels)
        cursor, seen = None, list[str]()
        while True:
            page = by_id.page(cursor)
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
    def test_writes_between_pages(  # noqa: PLR0917 - each is a dimension of the test
        self,
        store: Store,
        clock: Clock,
        pause: float,
        age: float,
        which: str,
        labels: dict[str, Any],
    ) -> None:
        names = self.fill(store, clock, age)

        def between(page: int) -> None:
            clock.jump(pause)
            written = {
                "the last": names[page : page + 1],
                "the first": names[-1 - page :][:1],
                "each": names,
                "the same": names[:1] + names[-1:],
            }[which]
            for name in written:
                store.thread(name).state.set("page", page)
                clock.jump(0.001)

        found = self.names(self.walk(store, between, **labels))
        if which == "each" and pause > GRAIN:  # more than a page, moved twice: only ids could tell
            found = list(set(found))
        assert sorted(found) == names

    @needs("clock")
    @pytest.mark.parametrize("limit", [1, 2])
    @pytest.mark.parametrize("labels", [{}, {"user": "alice"}], ids=["all", "labelled"])
    def test_what_is_written_twice_between_two_pages_is_not_missing(
        self, store: Store, clock: Clock, limit: int, labels: dict[str, Any]
    ) -> None:
        names = self.fill(store, clock)

        def between(page: int) -> None:
            for _ in range(2 if page == 1 else 0):
                clock.jump(GRAIN + 1)
                for name in names:
                    store.thread(name).state.increment("n")

        found = self.walk(store, between, limit=limit, **labels)
        assert sorted(set(self.names(found))) == names

    @needs("clock")
    @pytest.mark.parametrize("labels", [{}, {"user": "alice"}], ids=["all", "labelled"])
    def test_a_full_listing_is_exact_whatever_moves(
        self, store: Store, clock: Clock, labels: dict[str, Any]
    ) -> None:
        names = [f"t{number:03}" for number in range(230)]
        for name in names:
            store.thread(name).set_labels(user="alice")
        found: list[str] = []
        for thread in store.threads(**labels):
            found.append(thread.id)
            if len(found) == 200:  # a page, read already; the next one is not
                for _ in range(2):
                    clock.jump(61)
                    for name in names:
                        store.thread(name).state.increment("n")
        assert sorted(found) == names

    @needs("clock")
    @pytest.mark.parametrize("pause", [0.0, 61])
    def test_births_and_deaths_between_pages(
        self, store: Store, clock: Clock, pause: float
    ) -> None:
        names = self.fill(store, clock)

        def between(page: int) -> None:
            clock.jump(pause)
            store.thread(f"new{page}").state.set("a", 1)
            if page < 2:
                store.thread(names[page]).destroy()
                store.thread(names[-1 - page]).destroy()

        found = self.names(self.walk(store, between))
        assert len(found) == len(set(found))
        assert set(names[2:]) <= set(found)
        assert not set(names[:2]) & set(found)

    @needs("clock")
    def test_across_pages_the_order_is_exact_to_a_minute(self, store: Store, clock: Clock) -> None:
        names = self.fill(store, clock, every=7)
        for name in (*names[::3], *names[1::4]):
            clock.jump(5)
            store.thread(name).state.set("a", 1)
        pages = self.walk(store)
        assert sorted(self.names(pages)) == names
        times = [[thread.updated_at for thread in page] for page in pages]
        for number, page in enumerate(times):
            assert page == sorted(page, reverse=True)
            for later in times[number + 1 :]:
                assert (max(later) - min(page)).total_seconds() <= GRAIN

    def test_a_listing_while_everybody_writes(self, store: Store, clock: Clock) -> None:
        names = self.fill(store, clock)
        ended: list[bool] = []

        def write() -> None:
            number = 0
            while not ended:
                store.thread(names[number % COUNT]).state.set("n", number)
                number += 1
                Tasks.sleep(0)

        def read() -> None:
            try:
                for limit in (2, 5, 3):
                    assert sorted(self.names(self.walk(store, limit=limit))) == names
                    assert sorted([t.id for t in store.threads()]) == names
            finally:
                ended.append(True)

        Tasks.together(write, read)
