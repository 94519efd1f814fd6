"""Pages of listings from the candidates that the server finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from threadkeep.engines.cursor import Place, check_query, pack, unpack
from threadkeep.engines.sql.postgres.program import Row, rows_of
from threadkeep.ops.engine import Page, Query


def candidates(query: Query) -> str:
    """Return the query as the functions take it. Raises UsageError for one that cannot be."""
    check_query(query)
    place = unpack(query)
    asked: dict[str, Any] = {
        "namespace": query.namespace,
        "kind": query.kind,
        "labels": query.labels,
        "limit": query.limit,
        "prefix": query.prefix or None,
        "last" if query.order == "id" else "snap": place.last,
        "below": place.below,
        "seen": place.seen,
        "since": place.since,
        "top": place.top,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return msgspec.json.encode(given).decode()


def page_of(query: Query, found: Sequence[Any]) -> Page:
    """Return the page of what the server found."""
    if query.order == "id":
        rows = _rows(found[0])
        items = tuple(row.entry for row in rows[: query.limit])
        more = len(rows) > query.limit
        return Page(items, pack(Place("id", last=items[-1].ref.id)) if more else None)
    moved, here, top, snap = _rows(found[0]), _rows(found[1]), found[2], found[3]
    place = unpack(query)
    if len(moved) > query.limit:
        moved = moved[: query.limit]
        return _page(moved, place.within_moved(moved[-1].listed, top))
    room = query.limit - len(moved)
    if len(here) <= room:
        return _page(moved + here, None)
    here = here[:room]
    return _page(moved + here, Place("newest", here[-1].listed if here else place.below, top, snap))


def _rows(text: str | None) -> list[Row]:
    return [] if text is None else rows_of(text)


def _page(rows: list[Row], after: Place | None) -> Page:
    items = [row.entry for row in rows]
    items.sort(key=lambda listed: listed.info.updated, reverse=True)
    return Page(tuple(items), pack(after) if after else None)
