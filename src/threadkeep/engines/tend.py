"""Looking after an entity: reclaiming what has run out, claiming what is over, forgetting what is empty."""

from __future__ import annotations

from threadkeep.engines.reads import is_over
from threadkeep.engines.view import HIDDEN, Row, View
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import TOMBSTONE, Claim, Due


def entity_due(row: Row) -> int | None:
    """Return when an entity without any end is to be looked at: never, unless it holds nothing."""
    if row.fields or row.items or row.labels or row.end is not None:
        return None
    return row.updated + TOMBSTONE


def reclaim(view: View, row: Row, now: int) -> Row | None:
    """Drop the fields that have run out and find the next time to look. Not a change of the entity.

    An entity that has held nothing for a day is forgotten: then None.
    """
    dead = view.run_out(now)
    by_map: dict[str, list[str]] = {}
    for map_, name, size in dead:
        by_map.setdefault(map_, []).append(name)
        if not map_.startswith(HIDDEN):
            row.fields -= 1
            row.field_bytes -= size
    for map_, names in by_map.items():
        view.del_fields(map_, names)
    ends = [end for end in (view.first_end(), row.end) if end is not None]
    row.due = min(ends) if ends else None if view.logs() else entity_due(row)
    if row.due is not None and row.due <= now and not ends:
        view.drop(None)
        return None
    view.put_entity(row)
    return row


def tend(view: View, ref: Ref, now: int, due: Due) -> Claim | None:
    """Look after one entity that is due: claim it when it is over, else reclaim, else forget it when empty.

    With `due.token` a standing claim is extended (or, being another's, left alone).
    """
    row = view.entity()
    if row is None:
        return None
    now = max(now, row.updated)
    if is_over(row, now):
        assert row.end is not None  # noqa: S101 - is_over says so
        now = max(now, row.end + 1)
        held = row.due is not None and row.due > now
        if held and (due.token is None or due.token != row.due):
            return None
        if due.token is not None and due.token != row.due:
            return None
        row.due = now + due.lease
        view.put_entity(row)
        return Claim(ref, row.epoch, row.due, row.end)
    if row.due is not None and row.due <= now:
        reclaim(view, row, now)
    return None
