"""Listings of keys, matches and namespaces, one by one or by pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from threadkeep.errors import UsageError
from threadkeep.layers.kv_listing import pack, unpack
from threadkeep.model.kv import KvPage

T = TypeVar("T")
PAGE = 200
MOST = 10_000

# Takes the name to begin after and how many are wanted; returns what there is and the name to go on after, None
# at the end.
Fetch = Callable[[str | None, int], Awaitable[tuple[list[T], str | None]]]


class AsyncKvListing(Generic[T]):
    """A listing in order of names; nothing is read before it is iterated or asked for a page.

    What stands all the time comes exactly once, whatever is written meanwhile.
    """

    def __init__(self, what: str, fetch: Fetch[T], cursor: str | None, limit: int | None) -> None:
        if limit is not None and (type(limit) is not int or not 1 <= limit <= MOST):
            raise UsageError(f"limit is {limit!r}; pass a whole number from 1 to {MOST:,}")
        self._what, self._fetch, self._limit = what, fetch, limit
        self._after = unpack(what, cursor)

    async def __aiter__(self) -> AsyncIterator[T]:
        left, after = self._limit, self._after
        while left is None or left > 0:
            items, after = await self._fetch(after, PAGE if left is None else min(left, PAGE))
            for item in items:
                yield item
            left = None if left is None else left - len(items)
            if after is None:
                return

    async def page(self, cursor: str | None = None) -> KvPage[T]:
        """Return the first page, or the one after `cursor`; `limit` items, 200 by default."""
        after = self._after if cursor is None else unpack(self._what, cursor)
        items, last = await self._fetch(after, self._limit or PAGE)
        return KvPage(tuple(items), None if last is None else pack(self._what, last))
