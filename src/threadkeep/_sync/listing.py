# Generated from src/threadkeep/_async/listing.py by scripts/unasync. Do not edit.
"""`store.threads(...)`: listings, one by one or by pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from threadkeep.errors import UsageError
from threadkeep.layers import directory
from threadkeep.model.records import ThreadInfo
from threadkeep.ops.engine import Listed, Query

if TYPE_CHECKING:
    from threadkeep._sync.store import Store

PAGE = 200


class ThreadPage(msgspec.Struct, frozen=True):
    """A page of a listing; `cursor` None means that it was the last one."""

    items: tuple[ThreadInfo, ...]
    cursor: str | None


def walk(store: Store, query: Query) -> Iterator[Listed]:
    """Yield all entities of a listing, each once."""
    engine = store.ready()
    seen: set[str] = set()
    while True:
        page = engine.scan(query)
        for listed in page.items:
            if listed.ref.id not in seen:
                seen.add(listed.ref.id)
                yield listed
        if page.cursor is None:
            return
        query = msgspec.structs.replace(query, cursor=page.cursor)


class Listing:
    """A listing; nothing is read before it is iterated or asked for a page."""

    def __init__(
        self,
        store: Store,
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

    def __iter__(self) -> Iterator[ThreadInfo]:
        left = self._limit
        for listed in walk(self._store, self._query):
            yield directory.as_listed(listed)
            if left is not None:
                left -= 1
                if left == 0:
                    return

    def page(self, cursor: str | None = None) -> ThreadPage:
        """Return the first page, or the one after `cursor`; `limit` entities, 200 by default."""
        engine = self._store.ready()
        query = msgspec.structs.replace(self._query, cursor=cursor, limit=self._limit or PAGE)
        page = engine.scan(query)
        return ThreadPage(tuple(map(directory.as_listed, page.items)), page.cursor)
