"""The read half of the reference semantics: pure over a View."""

from __future__ import annotations

from threadkeep.engines.view import HIDDEN, LogRow, Row, View
from threadkeep.model.leases import renewed
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import AnyOp, Get, Info, Item, Now, Read
from threadkeep.ops.reply import (
    AnyResult,
    EntityInfo,
    Field,
    Fields,
    Items,
    Moment,
    Nothing,
    Reply,
)

Renewals = dict[str, dict[str, int]]


def is_over(row: Row, now: int) -> bool:
    """Tell whether the entity's own lease has run out.

    Who meets it so, or claims it, puts `due` after the end, where nothing else does: it stays over
    though the clock goes back.
    """
    return row.end is not None and (row.end <= now or (row.due is not None and row.due > row.end))


def read(view: View, batch: Batch, now: int, *, frozen: bool = False) -> Reply | None:
    """Answer a batch of reads without writing; None when it must go through `apply`.

    That is when a lease is to be renewed, something has run out, or the batch writes, is guarded or numbered.
    `frozen`: where nothing can be written, leases are not renewed and what has run out is only left out.
    """
    if batch.guards or batch.once or batch.writes:
        return None
    row = view.entity()
    if row is None:
        return Reply(True, tuple(empty(op, now) for op in batch.ops))
    now = max(now, row.updated)
    if not frozen and row.due is not None and row.due <= now:
        return None
    if is_over(row, now):
        return Reply(True, tuple(empty(op, now) for op in batch.ops), expired=True)
    if not frozen and renewed(row.window, row.end, now) is not None and renews(batch.ops):
        return None
    renewals: Renewals | None = None if frozen else {}
    results = tuple(read_op(view, row, op, now, renewals) for op in batch.ops)
    if renewals:
        return None
    return Reply(True, results, row.revision, row.epoch)


def renews(ops: tuple[AnyOp, ...]) -> bool:
    """Tell whether reads renew the entity's own lease: looking at it, or `renew=False`, does not."""
    return any(not isinstance(op, (Info, Now)) and getattr(op, "renew", True) for op in ops)


def empty(op: AnyOp, now: int) -> AnyResult:
    """Return what a read finds where no entity stands."""
    if isinstance(op, Get):
        return Fields({})
    if isinstance(op, Read):
        return Items()
    return Moment(now) if isinstance(op, Now) else Nothing()


def read_op(view: View, row: Row, op: AnyOp, now: int, renewals: Renewals | None) -> AnyResult:
    """Answer one read; renewals it calls for are added to `renewals` (None: it renews nothing)."""
    if isinstance(op, Get):
        return _get(view, op, now, renewals)
    if isinstance(op, Read):
        return _read(view, op, now, renewals)
    if isinstance(op, Now):
        return Moment(now)
    assert isinstance(op, Info)  # noqa: S101 - the caller passes reads only
    return info(view, row, now)


def _get(view: View, op: Get, now: int, renewals: Renewals | None) -> Fields:
    if op.fields is not None:
        found = view.fields(op.map, op.fields, op.values)
    else:
        found = view.select(op.map, op.prefix, op.values)
    found = living(found, now)
    if op.renew:
        note_renewals(op.map, found, now, renewals)
    names = [name for field in found.values() for name in field.refs] if op.refs else []
    return Fields(found, _linked(view, op.refs, names, now, op.renew, renewals))


def living(found: dict[str, Field], now: int) -> dict[str, Field]:
    """Leave out the fields that have run out."""
    if any(field.end is not None and field.end <= now for field in found.values()):
        return {n: f for n, f in found.items() if f.end is None or f.end > now}
    return found


def note_renewals(
    map_: str, found: dict[str, Field], now: int, renewals: Renewals | None, *, exact: bool = False
) -> None:
    """Add the new ends of the sliding fields to `renewals`; `exact` ignores the 1/16 grain."""
    if renewals is None:
        return
    for name, field in found.items():
        if field.window is None:
            continue
        end = now + field.window if exact else renewed(field.window, field.end, now)
        if end is not None and end != field.end:
            renewals.setdefault(map_, {})[name] = end


def _linked(
    view: View,
    map_: str | None,
    names: list[str],
    now: int,
    renew: bool,
    renewals: Renewals | None,
) -> dict[str, Field]:
    if map_ is None or not names:
        return {}
    found = living(view.fields(map_, dict.fromkeys(names)), now)
    if renew:
        note_renewals(map_, found, now, renewals)
    return found


def _read(view: View, op: Read, now: int, renewals: Renewals | None) -> Items:
    log = view.log(op.log)
    if log is None:
        return Items()
    items: list[Item] = []
    if op.ids is not None:
        items = view.at(op.log, sorted(view.find(op.log, op.ids).values()))
    elif op.limit != 0 and log.count:
        items = view.items(op.log, op.after, op.before, op.limit, op.newest, op.values)
    names = [name for item in items for name in item.refs] if op.refs else []
    linked = _linked(view, op.refs, names, now, True, renewals)
    return Items(tuple(items), log.head, log.count, log.bytes, linked)


def info(view: View, row: Row, now: int) -> AnyResult:
    """Return the entity's own record; Nothing where it holds nothing."""
    maps = tuple(m for m in view.maps() if not m.startswith(HIDDEN))
    logs = tuple(view.logs())
    if not (maps or logs or row.labels or row.end is not None):
        return Nothing()
    return row_info(row, dead_sizes(view, row, now), logs, maps)


def dead_sizes(view: View, row: Row, now: int) -> list[int]:
    """Return the sizes of the fields that have run out and stand in the row's counts still."""
    claimed = row.end is not None and row.due is not None and row.due > row.end
    if not claimed and (row.due is None or row.due > now):
        return []
    return [size for map_, _, size in view.run_out(now) if not map_.startswith(HIDDEN)]


def row_info(
    row: Row, dead: list[int], logs: tuple[str, ...] = (), maps: tuple[str, ...] = ()
) -> EntityInfo:
    """Return the public form of a row, of whose fields those of the sizes `dead` have run out."""
    return EntityInfo(
        created=row.created,
        updated=row.updated,
        revision=row.revision,
        epoch=row.epoch,
        window=row.window,
        end=row.end,
        labels=dict(row.labels),
        fields=row.fields - len(dead),
        items=row.items,
        bytes=row.field_bytes + row.item_bytes - sum(dead),
        logs=logs,
        maps=maps,
    )


def log_row(view: View, log: str) -> LogRow:
    """Return the log's row, a fresh one where none stands."""
    return view.log(log) or LogRow()
