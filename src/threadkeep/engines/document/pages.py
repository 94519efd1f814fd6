"""Pages of a listing over documents that were read one after the other."""

from __future__ import annotations

from collections.abc import Callable

from threadkeep.engines.cursor import check_query, unpack
from threadkeep.engines.document.stored import Stored
from threadkeep.engines.memory import Memory
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import Page, Query

Fill = Callable[..., Memory]


def newest(query: Query, stored: list[Stored], seen: int, memory: Fill) -> Page:
    """Return a page newest first of documents of which each was read after `seen` was the highest place.

    Where the listing goes on, what has moved meanwhile is shown where it stood: the next page would look
    for it above `seen`, and find what came to stand there in between.
    """
    stored = sorted(stored, key=lambda each: each.row.listed if each.row else 0)
    now = memory(*stored).scan(query)
    if query.cursor is None and now.cursor is None:
        return now
    then: list[Stored] = []
    for each in stored:
        if each.row is not None and each.row.listed > seen:
            if not each.row.prior:
                continue
            each.row.listed = each.row.prior
        then.append(each)
    return memory(*then).scan(query)


def within(query: Query, refs: list[Ref]) -> list[Ref]:
    """Return the entities, by id, that a page by id may hold."""
    check_query(query)
    last, prefix = unpack(query).last, query.prefix or ""
    return sorted(
        ref for ref in refs if ref.id.startswith(prefix) and (last is None or ref.id > last)
    )
