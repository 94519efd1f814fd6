"""Listings: newest first or by id, exact within a page, complete whatever is written meanwhile."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from threadkeep.engines.cursor import Place, check_query, pack, unpack
from threadkeep.engines.sql.sqlite.view import SQL, to_labels, upper_bound
from threadkeep.engines.view import HIDDEN
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import Listed, Page, Query
from threadkeep.ops.reply import EntityInfo

FIRST = 1 << 62  # above every place in listings


def list_page(con: sqlite3.Connection, query: Query, now: int) -> Page:
    """Return one page; the caller holds a read transaction."""
    check_query(query)
    if query.order == "id":
        return _by_id(con, query, now)
    return _newest(con, query, now)


def _listed(con: sqlite3.Connection, query: Query, record: tuple[Any, ...], now: int) -> Listed:
    name, created, updated, revision, epoch, window, end, labels, *counts, eid, due, _ = record
    fields, items, size = counts
    now = max(now, updated)
    if due is not None and due <= now:  # something has run out and stands in the counts still
        for map_, _, weight in con.execute(SQL["run_out"], (eid, now)):
            if not map_.startswith(HIDDEN):
                fields, size = fields - 1, size - weight
    info = EntityInfo(
        created=created,
        updated=updated,
        revision=revision,
        epoch=epoch,
        window=window,
        end=end,
        labels=to_labels(labels),
        fields=fields,
        items=items,
        bytes=size,
    )
    return Listed(Ref(query.namespace, query.kind, name), info)


def _others(labels: list[tuple[str, str]]) -> str:
    return msgspec.json.encode(dict(labels)).decode()


def _by_id(con: sqlite3.Connection, query: Query, now: int) -> Page:
    last, prefix = unpack(query).last or "", query.prefix or ""
    args = {
        "ns": query.namespace,
        "kind": query.kind,
        "last": last,
        "low": max(last, prefix),  # one lower bound: of two SQLite seeks to the first
        "upper": upper_bound(query.prefix) if query.prefix else None,
        "others": _others(list(query.labels)),
        "now": now,
        "limit": query.limit + 1,
    }
    records = con.execute(SQL["alive_by_id"], args).fetchall()
    items = tuple(_listed(con, query, record, now) for record in records[: query.limit])
    more = len(records) > query.limit
    return Page(items, pack(Place("id", last=items[-1].ref.id)) if more else None)


def _newest(con: sqlite3.Connection, query: Query, now: int) -> Page:
    def page(records: list[tuple[Any, ...]], after: Place | None) -> Page:
        items = [_listed(con, query, record, now) for record in records]
        items.sort(key=lambda listed: listed.info.updated, reverse=True)
        return Page(tuple(items), pack(after) if after else None)

    place = unpack(query)
    labels = _rarest_first(con, query)
    below = FIRST if place.below is None else place.below
    args: dict[str, Any] = {
        "ns": query.namespace,
        "kind": query.kind,
        "now": now,
        "below": below,
        "seen": place.seen,
        "since": place.since,
        "top": place.top,
        "limit": query.limit + 1,
    }
    if labels:
        args |= {"name": labels[0][0], "value": labels[0][1], "others": _others(labels[1:])}
    here, moved = (
        ("labelled_newest", "labelled_moved") if labels else ("alive_newest", "moved_newest")
    )
    top = con.execute(SQL["top_listed"], (query.namespace, query.kind)).fetchone()[0] or 0
    found: list[tuple[Any, ...]] = []
    if place.seen is not None:
        found = con.execute(SQL[moved], args).fetchall()
        if len(found) > query.limit:
            found = found[: query.limit]
            return page(found, place.within_moved(found[-1][-1], top))
    room = query.limit - len(found)
    args["limit"] = room + 1
    records = con.execute(SQL[here], args).fetchall()
    if len(records) > room:
        records = records[:room]
        below = records[-1][-1] if records else below
        return page(found + records, Place("newest", below, top))
    return page(found + records, None)


def _rarest_first(con: sqlite3.Connection, query: Query) -> list[tuple[str, str]]:
    if len(query.labels) < 2:
        return list(query.labels)
    kind = (query.namespace, query.kind)

    def frequency(label: tuple[str, str]) -> int:
        return con.execute(SQL["label_count"], (*kind, *label)).fetchone()[0]

    return sorted(query.labels, key=frequency)
