"""Writes to a log: append, cut, restore."""

from __future__ import annotations

from threadkeep.engines.reads import log_row
from threadkeep.engines.view import LogRow, Row, View
from threadkeep.ops.ops import Append, Cut, Item, Restore
from threadkeep.ops.reply import AnyResult, Appended, Count


def write_log(view: View, row: Row, op: Append | Cut | Restore, now: int) -> tuple[AnyResult, bool]:
    """Do one write to a log and account for it in `row`; return its result and whether anything changed."""
    log = log_row(view, op.log)
    before = (log.head, log.count, log.bytes)
    result: AnyResult
    if isinstance(op, Append):
        result = _append(view, log, op, now)
    elif isinstance(op, Cut):
        result = _cut(view, log, op)
    else:
        result = _restore(view, log, op)
    row.items += log.count - before[1]
    row.item_bytes += log.bytes - before[2]
    changed = (log.head, log.count, log.bytes) != before or bool(
        isinstance(op, Restore) and op.items
    )
    if changed:
        view.put_log(op.log, log)
    return result, changed


def _append(view: View, log: LogRow, op: Append, now: int) -> Appended:
    named = [i for i in op.ids or () if i is not None]
    standing = view.find(op.log, named) if named and log.count else {}
    seqs: list[int] = []
    skipped: list[str] = []
    fresh: list[Item] = []
    for index, value in enumerate(op.items):
        item_id = op.ids[index] if op.ids else None
        if item_id is not None and item_id in standing:
            skipped.append(item_id)
            seqs.append(standing[item_id])
            continue
        log.head += 1
        if item_id is not None:
            standing[item_id] = log.head
        seqs.append(log.head)
        refs = op.refs[index] if op.refs else ()
        fresh.append(Item(log.head, value, item_id, refs, now))
        log.count += 1
        log.bytes += len(value)
    if fresh:
        view.put_items(op.log, fresh)
    return Appended(tuple(seqs), tuple(skipped))


def _cut(view: View, log: LogRow, op: Cut) -> Count:
    if not log.count:
        return Count(0)
    low, high = 1, log.head
    if op.before is not None:
        high = min(op.before - 1, log.head)
    elif op.keep is not None:
        kept = view.items(op.log, 0, None, op.keep, newest=True, values=False) if op.keep else []
        high = kept[0].seq - 1 if kept else log.head
    elif op.newest is not None:
        gone = (
            view.items(op.log, 0, None, op.newest, newest=True, values=False) if op.newest else []
        )
        low = gone[0].seq if gone else log.head + 1
    if low > high:
        return Count(0)
    count, size = view.cut_items(op.log, low, high)
    log.count -= count
    log.bytes -= size
    return Count(count)


def _restore(view: View, log: LogRow, op: Restore) -> Count:
    seqs = [item.seq for item in op.items]
    ids = {item.id: item.seq for item in op.items if item.id is not None}
    for name, seq in (view.find(op.log, ids) if ids and log.count else {}).items():
        if seq != ids[name]:  # an id is given once: what has it elsewhere moves here
            count, size = view.cut_items(op.log, seq, seq)
            log.count -= count
            log.bytes -= size
    stands = {item.seq: item for item in view.at(op.log, seqs)} if log.count else {}
    for item in op.items:
        old = stands.get(item.seq)
        log.count += old is None
        log.bytes += len(item.value) - (len(old.value) if old else 0)
    if op.items:
        view.put_items(op.log, op.items)
    log.head = max([log.head, op.head, *seqs])
    return Count(len(op.items))
