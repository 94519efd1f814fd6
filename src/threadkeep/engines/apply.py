"""The reference semantics: what a batch means, pure over a View.

Memory and SQLite run it as it is; an engine that runs its batches in the server is a twin of it and is
held to it by the conformance suite. Order: run-out things are reclaimed, `once` is looked up, guards are
checked, reads are answered from the entity as it was, writes are checked, and only then done.
"""

from __future__ import annotations

import msgspec

from threadkeep.engines.logs import write_log
from threadkeep.engines.reads import Renewals, empty, info, is_over, read_op, renews
from threadkeep.engines.stage import Stage
from threadkeep.engines.tend import entity_due, reclaim
from threadkeep.engines.view import HIDDEN, Row, View
from threadkeep.errors import TooLarge, UsageError
from threadkeep.model.leases import Lease, renewed
from threadkeep.model.options import Limits
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import LISTING_GRAIN, ONCE, TOMBSTONE
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Append,
    Claimed,
    Cut,
    Del,
    Drop,
    Epoch,
    Head,
    Incr,
    Label,
    Missing,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import AnyResult, Count, Field, Labels, Nothing, Reply

ONCE_MAP = HIDDEN + "once"
_results = msgspec.msgpack.Decoder(tuple[AnyResult, ...])


def apply(view: View, batch: Batch, now: int, limits: Limits) -> Reply:
    """Run a batch: all of it, or nothing but the reads of `otherwise`.

    `now` is the engine's time in microseconds. Raises UsageError or TooLarge before anything is written.
    """
    row = view.entity()
    now = now if row is None else max(now, row.updated)
    claimed = False
    if row is not None and is_over(row, now):
        claimed = any(isinstance(g, Claimed) and g.token == row.due for g in batch.guards)
        if not claimed:
            return _over(view, row, batch, now)
        _only_marks(batch)
        assert row.end is not None  # noqa: S101 - is_over says so
        now = max(row.updated, row.end - 1)
    elif row is not None and row.due is not None and row.due <= now:
        row = reclaim(view, row, now)
    if row is not None and batch.once is not None:
        kept = view.fields(ONCE_MAP, [batch.once]).get(batch.once)
        if kept is not None:
            done = _results.decode(kept.value)
            return Reply(True, done, kept.revision, row.epoch, repeated=True)
    renewals: Renewals | None = None if claimed else {}
    for index, guard in enumerate(batch.guards):
        if not _holds(view, row, guard, now, claimed=claimed):
            found = _reads(view, row, batch.otherwise, now, renewals)
            _settle(view, row if renews(batch.otherwise) else None, renewals, now)
            return _reply(row, tuple(found.values()), ok=False, failed=index)
    results = _reads(view, row, batch.ops, now, renewals)
    if len(results) == len(batch.ops):
        _settle(view, row if renews(batch.ops) else None, renewals, now)
        return _reply(row, tuple(results.values()), ok=True)
    if claimed:
        return _mark(view, batch, row, now, results)
    return _write(view, batch, row, now, limits, results, renewals or {})


def _over(view: View, row: Row, batch: Batch, now: int) -> Reply:
    """Answer for an entity that has expired: for all but its claimant nothing stands there.

    That it was seen so is noted as a claim would: a clock that goes back does not bring it back.
    """
    assert row.end is not None  # noqa: S101 - it has expired
    if row.due is None or row.due <= row.end:
        row.due = row.end + 1
        view.put_entity(row)
    writes = batch.writes
    for index, guard in enumerate(batch.guards):
        lost = isinstance(guard, Claimed)
        if lost or not (writes or _holds(view, None, guard, now, claimed=False)):
            found = tuple(empty(op, now) for op in batch.otherwise)
            return Reply(False, found, failed=index, expired=True)
    found = tuple(empty(op, now) for op in (batch.otherwise if writes else batch.ops))
    return Reply(not writes, found, expired=True)


def _only_marks(batch: Batch) -> None:
    """Refuse to write what has expired, but for marks in hidden maps and its end."""
    for op in batch.ops:
        mark = isinstance(op, Set) and op.map.startswith(HIDDEN)
        if op.writes and not mark and not isinstance(op, Drop):
            raise UsageError(f"{batch.ref} has expired; its last state can be read, not written")


def _reply(row: Row | None, results: tuple[AnyResult, ...], **flags: object) -> Reply:
    if row is None:
        return Reply(results=results, **flags)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - flags are Reply's own
    return Reply(results=results, revision=row.revision, epoch=row.epoch, **flags)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def _reads(
    view: View, row: Row | None, ops: tuple[AnyOp, ...], now: int, renewals: Renewals | None
) -> dict[int, AnyResult]:
    """Answer the reads among `ops`, by their place."""
    asked = ((i, op) for i, op in enumerate(ops) if not op.writes)
    if row is None:
        return {i: empty(op, now) for i, op in asked}
    return {i: read_op(view, row, op, now, renewals) for i, op in asked}


def _holds(view: View, row: Row | None, guard: AnyGuard, now: int, *, claimed: bool) -> bool:
    if isinstance(guard, Epoch):
        if row is not None:
            return row.epoch == guard.epoch
        return not view.tombstone(guard.epoch, now)
    if isinstance(guard, Claimed):
        return claimed
    if isinstance(guard, Revision):
        if guard.revision == 0 and row is not None:
            return isinstance(info(view, row, now), Nothing)
        return (row.revision if row else 0) == guard.revision
    if isinstance(guard, Head):
        log = view.log(guard.log) if row else None
        return (log.head if log else 0) == guard.seq
    field = view.fields(guard.map, [guard.field], values=False).get(guard.field) if row else None
    if field is not None and field.end is not None and field.end <= now:
        field = None
    if isinstance(guard, Missing):
        return field is None
    assert isinstance(guard, Same)  # noqa: S101 - the last of the guards
    return field is not None and field.revision == guard.revision


def _settle(view: View, row: Row | None, renewals: Renewals | None, now: int) -> None:
    """Write the renewals that were called for, and the entity's own where `row` is given."""
    for map_, ends in (renewals or {}).items():
        if ends:
            view.move_ends(map_, ends)
    if row is None or renewals is None:
        return
    end = renewed(row.window, row.end, now)
    if end is not None:
        row.end = end
        view.put_entity(row)


def _mark(
    view: View, batch: Batch, row: Row | None, now: int, results: dict[int, AnyResult]
) -> Reply:
    """Write to a claimed entity: its end, or marks that leave everything else as it is."""
    assert row is not None  # noqa: S101 - only what stands is claimed
    if isinstance(batch.ops[_first_write(batch)], Drop):
        return _drop(view, batch, row, now, results)
    stage = Stage(view, row, now, row.revision)
    for i, op in enumerate(batch.ops):
        _stage(stage, {}, op, i, results)
    stage.flush()
    return _reply(row, tuple(results[i] for i in range(len(batch.ops))), ok=True)


def _write(
    view: View,
    batch: Batch,
    row: Row | None,
    now: int,
    limits: Limits,
    results: dict[int, AnyResult],
    renewals: Renewals,
) -> Reply:
    born = row is None
    if row is None:
        row = Row(created=now, updated=now)
    if isinstance(batch.ops[_first_write(batch)], Drop):
        return _drop(view, batch, None if born else row, now, results)
    stage = Stage(view, None if born else row, now, row.revision + 1)
    stage.renewals = renewals
    labels = dict(row.labels)
    for i, op in enumerate(batch.ops):
        _stage(stage, labels, op, i, results)
    _check_labels(labels, row, limits.labels)
    stage.account(row, limits.fields)
    changed = stage.changed or labels != row.labels
    if born and (changed or any(_adds(op) for op in batch.ops)):
        row.listed = view.next_listed(now)
        view.put_entity(row)
    stage.flush()
    for i, op in enumerate(batch.ops):
        if isinstance(op, (Append, Cut, Restore)):
            results[i], altered = write_log(view, row, op, now)
            changed |= altered
    ordered = tuple(results[i] for i in range(len(batch.ops)))
    if born and not changed:
        return Reply(True, ordered)
    row.labels = labels
    _lease(row, batch.ops, now, born=born)
    _finish(view, row, stage.due, now, changed=changed)
    _remember(view, row, batch, ordered, now)
    _settle(view, None, stage.renewals, now)
    view.put_entity(row)
    return Reply(True, ordered, row.revision, row.epoch, changed=changed)


def _check_labels(labels: dict[str, str], row: Row, limit: int) -> None:
    count = sum(not name.startswith(HIDDEN) for name in labels)
    if count > limit and len(labels) > len(row.labels):
        raise TooLarge(f"the entity would hold {count} labels; the limit is {limit}")


def _adds(op: AnyOp) -> bool:
    if isinstance(op, Restore):
        return bool(op.items) or op.head > 0
    return isinstance(op, Append) and bool(op.items)


def _first_write(batch: Batch) -> int:
    return next(i for i, op in enumerate(batch.ops) if op.writes)


def _stage(
    stage: Stage, labels: dict[str, str], op: AnyOp, index: int, results: dict[int, AnyResult]
) -> None:
    if isinstance(op, Set):
        results[index] = stage.set(op)
    elif isinstance(op, Del):
        results[index] = stage.delete(op)
    elif isinstance(op, Incr):
        results[index] = stage.incr(op)
    elif isinstance(op, Touch):
        results[index] = stage.touch(op) if op.map is not None else Count(0)
    elif isinstance(op, Label):
        for name, value in op.labels.items():
            if value is None:
                labels.pop(name, None)
            else:
                labels[name] = value
        results[index] = Labels(dict(labels))


def _lease(row: Row, ops: tuple[AnyOp, ...], now: int, *, born: bool) -> None:
    """Give the entity the lease that a Touch names, or renew the one it has."""
    given: Lease | None = None
    for op in ops:
        if isinstance(op, Touch) and op.map is None and op.lease and (born or not op.birth):
            given = op.lease
    if given is not None:
        row.window, end = given.start(now)
        row.end = None if end is None else max(end, now)
    elif row.window is not None:
        row.end = now + row.window


def _finish(view: View, row: Row, due: int | None, now: int, *, changed: bool) -> None:
    ends = [end for end in (row.due, due, row.end) if end is not None]
    row.due = min(ends) if ends else entity_due(row)
    if not changed:
        return
    row.revision += 1
    row.updated = now
    if now - row.listed >= LISTING_GRAIN:
        row.prior, row.listed = row.listed, view.next_listed(now)


def _remember(view: View, row: Row, batch: Batch, results: tuple[AnyResult, ...], now: int) -> None:
    if batch.once is None:
        return
    value = msgspec.msgpack.encode(results)
    end = now + ONCE
    view.put_fields(ONCE_MAP, {batch.once: Field(value, row.revision, None, end, (), len(value))})
    row.due = end if row.due is None else min(row.due, end)


def _drop(
    view: View, batch: Batch, row: Row | None, now: int, results: dict[int, AnyResult]
) -> Reply:
    count = row.fields + row.items if row else 0
    if row is not None:
        view.drop(now + TOMBSTONE)
    results[_first_write(batch)] = Count(count)
    return Reply(True, tuple(results[i] for i in range(len(batch.ops))), changed=row is not None)
