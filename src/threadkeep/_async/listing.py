"""`store.threads(...)`: listings, one by one or by pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from threadkeep.errors import UsageError
from threadkeep.layers import directory
from threadkeep.model.records import ThreadInfo
from threadkeep.ops.engine import Listed, Query

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

PAGE = 200


class ThreadPage(msgspec.Struct, frozen=True):
    """A page of a listing; `cursor` None means that it was the last one."""

    items: tuple[ThreadInfo, ...]
    cursor: str | None


async def walk(store: AsyncStore, query: Query) -> AsyncIterator[Listed]:
    """Yield all entities of a listing, each once."""
    engine = await store.ready()
    seen: set[str] = set()
    while True:
        page = await engine.scan(query)
        for listed in page.items:
            if listed.ref.id not in seen:
                seen.add(listed.ref.id)
                yield listed
        if page.cursor is None:
            return
        query = msgspec.structs.replace(query, cursor=page.cursor)


class AsyncListing:
    """A listing; nothing is read before it is iterated or asked for a page."""

    def __init__(
        self,
        store: AsyncStore,
        kind: str,
        labels: Mapping[str, str],
        prefix: str | None,
        limit: int | None,
    ) -> None:
        if limit is not None and (type(limit) is not int or limit < 1):
            raise UsageError(f"limit is {limit!r}; pass a whole number, 1 or more")
        self._store, self._limit = store, limit
        self._query = directory.query(
            store.namespace,
            kind,
            labels,
            prefix=prefix,
            cursor=None,
            limit=min(limit or PAGE, PAGE),
        )

    async def __aiter__(self) -> AsyncIterator[ThreadInfo]:
        left = self._limit
        async for listed in walk(self._store, self._query):
            yield directory.as_listed(listed)
            if left is not None:
                left -= 1
                if left == 0:
                    return

    async def page(self, cursor: str | None = None) -> ThreadPage:
        """Return the first page, or the one after `cursor`; `limit` entities, 200 by default."""
        engine = await self._store.ready()
        query = msgspec.structs.replace(self._query, cursor=cursor, limit=self._limit or PAGE)
        page = await engine.scan(query)
        return ThreadPage(tuple(map(directory.as_listed, page.items)), page.cursor)
