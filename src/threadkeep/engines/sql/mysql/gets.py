"""One field of one entity, the hot path: a single statement for all who ask at the same time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from threadkeep.engines.sql.mysql.packet import Packet, Row, clock, joined
from threadkeep.engines.sql.mysql.rows import place
from threadkeep.model.leases import renewed
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get
from threadkeep.ops.reply import Field, Fields, Reply

_names = msgspec.json.Decoder(tuple[str, ...]).decode
_COLUMNS: Final = ("n", "ns", "kind", "id", "map", "name")
_EMPTY: Final = Reply(True, (Fields({}),))


def asked_field(batch: Batch) -> Get | None:
    """Return the Get of a batch that reads one field and does nothing else."""
    op = batch.ops[0] if len(batch.ops) == 1 else None
    if type(op) is not Get or op.fields is None or len(op.fields) != 1 or not op.values:
        return None
    return None if op.refs is not None or batch.guards or batch.once else op


class Getting:
    """Gets of one field each."""

    def __init__(self, batches: Sequence[Batch], now: int | None) -> None:
        self._batches = batches
        self._rows: dict[int, Row] = {}
        rows: list[tuple[object, ...]] = []
        for n, batch in enumerate(batches):
            op = cast("Get", batch.ops[0])
            name = (op.fields or ("",))[0]
            rows.append((n, *place(batch.ref), op.map.encode(), name.encode()))
        text = (
            "select q.n, e.revision, e.epoch, e.updated, e.win, e.expires, e.due,"
            f" f.value, f.rev, f.win, f.expires, f.refs, f.size, {clock(now)}"
            " from {q} tk_entity e"
            " left join tk_field f on f.eid = e.eid and f.map = q.map and f.name = q.name"
            " where e.ns = q.ns and e.kind = q.kind and e.id = q.id"
        )
        self.packet = Packet()
        self.packet.add(*joined(text, _COLUMNS, rows), self._take)

    def _take(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._rows[row[0]] = row

    def outcomes(self) -> list[Any]:
        """Return for each batch the reply; None where something is to be renewed or has run out."""
        return [
            _reply(cast("Get", batch.ops[0]), self._rows.get(n))
            for n, batch in enumerate(self._batches)
        ]


def _reply(op: Get, row: Row | None) -> Reply | None:
    if row is None:
        return _EMPTY
    _, revision, epoch, updated, window, end, due, value, rev, win, expires, refs, size, now = row
    if due is not None or window is not None or win is not None:
        now = max(now, updated)
        if (due is not None and due <= now) or (end is not None and (due or 0) > end):
            return None
        if op.renew and (
            renewed(window, end, now) is not None or renewed(win, expires, now) is not None
        ):
            return None
    if rev is None:
        return Reply(True, (Fields({}),), revision, epoch.decode())
    field = Field(value, rev, win, expires, _names(refs) if refs else (), size)
    name = (op.fields or ("",))[0]
    return Reply(True, (Fields({name: field}),), revision, epoch.decode())
