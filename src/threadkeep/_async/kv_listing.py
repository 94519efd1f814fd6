"""Listings of keys, matches and namespaces, one by one or by pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from threadkeep.errors import UsageError
from threadkeep.layers import kv, kv_listing
from threadkeep.model.kv import KvPage

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

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
        self._after = kv_listing.unpack(what, cursor)

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
        after = self._after if cursor is None else kv_listing.unpack(self._what, cursor)
        items, last = await self._fetch(after, self._limit or PAGE)
        return KvPage(tuple(items), None if last is None else kv_listing.pack(self._what, last))


def namespaces(
    store: AsyncStore, prefix: str | None, cursor: str | None, limit: int | None
) -> AsyncKvListing[str]:
    """Return the listing of the key-value namespaces of a store."""
    if prefix:
        kv.prefix_of(prefix)

    async def fetch(after: str | None, limit: int) -> tuple[list[str], str | None]:
        engine = await store.ready()
        names: list[str] = []
        while len(names) < limit:
            page = await engine.scan(kv_listing.next_namespace(store.namespace, prefix, after))
            if not page.items:
                return names, None
            after = kv.split(page.items[0].ref.id)[0]
            names.append(after)
        return names, after

    return AsyncKvListing(f"namespaces {prefix or ''}", fetch, cursor, limit)
