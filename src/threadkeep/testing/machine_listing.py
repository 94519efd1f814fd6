"""Listings while others write: nothing that stands all the time is missing, nothing comes twice."""

from __future__ import annotations

import msgspec

from threadkeep.model.refs import Ref
from threadkeep.ops.engine import LISTING_GRAIN, Engine, Listed, Page, Query
from threadkeep.testing.machine_compare import require

PAGES = 200


def all_of(engine: Engine, query: Query) -> list[Page]:
    """Return all pages of a listing."""
    pages: list[Page] = []
    while True:
        page = engine.scan(query)
        require(len(page.items) <= query.limit, f"a page of {len(page.items)}, asked {query.limit}")
        pages.append(page)
        if page.cursor is None:
            return pages
        require(len(pages) < PAGES, "the listing does not end")
        query = msgspec.structs.replace(query, cursor=page.cursor)


def newest_first(pages: list[Page]) -> None:
    """Raise Difference unless each page begins with what was written last."""
    for page in pages:
        times = [listed.info.updated for listed in page.items]
        require(times == sorted(times, reverse=True), f"a page is not newest first: {times}")


def ids_of(pages: list[Page]) -> list[list[str]]:
    """Return the ids of each page."""
    return [[listed.ref.id for listed in page.items] for page in pages]


class Walk:
    """A listing that is read page by page between writes.

    What is written twice, a minute apart, while the listing is read may come again: an engine remembers
    one former place. Listings of the facades leave it out.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self._all = msgspec.structs.replace(query, limit=50, cursor=None)
        self._stable: dict[Ref, str] | None = None
        self._seen: list[Listed] = []
        self._pause = 0
        self._slow = False

    def let_pass(self, by: int) -> None:
        """Note that the clock moved."""
        self._pause += abs(by)
        self._slow |= self._pause >= LISTING_GRAIN

    def stands(self, oracle: Engine) -> None:
        """Note what stands now: only what has stood at every moment must come."""
        page = oracle.scan(self._all)
        now = {listed.ref: listed.info.epoch for listed in page.items}
        before = now if self._stable is None else self._stable
        self._stable = {ref: epoch for ref, epoch in before.items() if now.get(ref) == epoch}

    def step(self, engine: Engine) -> bool:
        """Take the next page; True at the end, when all that had to come has come."""
        page = engine.scan(self.query)
        self._seen.extend(page.items)
        if page.cursor is not None:
            require(len(self._seen) < PAGES, "the listing does not end")
            self.query = msgspec.structs.replace(self.query, cursor=page.cursor)
            return False
        seen = [listed.ref for listed in self._seen]
        for ref in self._stable or {}:
            times = seen.count(ref)
            require(times > 0, f"{ref} stood all the time and is missing from the listing")
            require(times == 1 or self._slow, f"{ref} came {times} times in one listing")
        return True
