"""One entity in an SQLite transaction: the View over single statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, LiteralString

import msgspec

from threadkeep.engines.sql.queries import load
from threadkeep.engines.view import LogRow, Row
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

SQL = load(__package__ or "threadkeep.engines.sql.sqlite")
SEQ = 0xFFFFFFFF
_names = msgspec.json.Decoder(tuple[str, ...])
_labels = msgspec.json.Decoder(dict[str, str])
_json = msgspec.json.encode

Record = tuple[Any, ...]

ENTITY, UPDATE_HOT, UPDATE = SQL["entity"], SQL["update_hot"], SQL["update_entity"]
FIELD, FIELD_STAT, PUT_FIELD = SQL["field"], SQL["field_stat"], SQL["put_field"]
LOG, PUT_ITEM, UPDATE_LOG = SQL["log"], SQL["put_item"], SQL["update_log"]


def to_field(record: Record) -> Field:
    """Return a field from (name, value, rev, win, expires, refs, size)."""
    _, value, rev, win, end, refs, size = record
    return Field(value, rev, win, end, _names.decode(refs) if refs else (), size)


def to_item(record: Record) -> Item:
    """Return an item from (pos, value, id, refs, at, size), size 0 where the value is there."""
    pos, value, item_id, refs, at, size = record
    return Item(pos & SEQ, value, item_id, _names.decode(refs) if refs else (), at, size)


def to_labels(text: str | None) -> dict[str, str]:
    """Return labels from their column."""
    return _labels.decode(text) if text else {}


def upper_bound(prefix: str) -> bytes:
    """Return the bytes above every text that begins with `prefix`."""
    raw = prefix.encode()
    return raw[:-1] + bytes([raw[-1] + 1])


def _refs(refs: tuple[str, ...]) -> str | None:
    return _json(refs).decode() if refs else None


class SqliteView:
    """One entity of an SQLite database. The caller holds the transaction."""

    __slots__ = ("_con", "_eid", "_lids", "_old", "_ref")

    def __init__(self, con: sqlite3.Connection, ref: Ref) -> None:
        self._con = con
        self._ref = ref
        self._eid = 0
        self._old: Record = ()
        self._lids: dict[str, int] = {}

    def _one(self, sql: LiteralString, *args: object) -> Record | None:
        return self._con.execute(sql, args).fetchone()

    def entity(self) -> Row | None:
        ref = self._ref
        record = self._con.execute(ENTITY, (ref.namespace, ref.kind, ref.id)).fetchone()
        if record is None:
            return None
        self._eid = record[0]
        row = Row(
            created=record[1],
            updated=record[2],
            listed=record[3],
            prior=record[4],
            revision=record[5],
            epoch=record[6],
            window=record[7],
            end=record[8],
            due=record[9],
            labels=_labels.decode(record[10]) if record[10] else {},
            fields=record[11],
            field_bytes=record[12],
            items=record[13],
            item_bytes=record[14],
        )
        self._old = (row.listed, row.window, row.end, row.due, dict(row.labels))
        return row

    def put_entity(self, row: Row) -> None:
        counts = (row.fields, row.field_bytes, row.items, row.item_bytes)
        new = (row.listed, row.window, row.end, row.due, row.labels)
        if self._eid and self._old == new:
            self._con.execute(UPDATE_HOT, (row.updated, row.revision, *counts, self._eid))
            return
        labels = _json(row.labels).decode() if row.labels else None
        lease = (row.window, row.end, row.due, labels, *counts)
        if not self._eid:
            self._insert(row, lease)
        else:
            moved = (row.updated, row.listed, row.prior, row.revision, *lease, self._eid)
            self._con.execute(UPDATE, moved)
        self._relabel(row)
        self._old = (*new[:4], dict(row.labels))

    def _insert(self, row: Row, lease: Record) -> None:
        ref = self._ref
        place = (row.created, row.updated, row.listed, row.prior, row.revision, row.epoch)
        args = (ref.namespace, ref.kind, ref.id, *place, *lease)
        self._eid = self._con.execute(SQL["insert_entity"], args).lastrowid or 0

    def _relabel(self, row: Row) -> None:
        old_listed: int = self._old[0] if self._old else 0
        old_labels: dict[str, str] = self._old[4] if self._old else {}
        if (old_listed, old_labels) == (row.listed, row.labels):
            return
        kind = (self._ref.namespace, self._ref.kind)
        gone = [(*kind, n, v, old_listed, self._eid) for n, v in old_labels.items()]
        here = [(*kind, n, v, row.listed, self._eid) for n, v in row.labels.items()]
        self._con.executemany(SQL["delete_label"], gone)
        self._con.executemany(SQL["insert_label"], here)

    def drop(self, until: int | None) -> None:
        ref, eid = self._ref, self._eid
        row = self.entity()
        assert row is not None  # noqa: S101 - only what stands is dropped
        for (lid,) in self._con.execute(SQL["log_ids"], (eid,)).fetchall():
            self._con.execute(SQL["delete_log_items"], (lid << 32, lid << 32 | SEQ))
        for statement in ("delete_entity_logs", "delete_entity_fields", "delete_entity"):
            self._con.execute(SQL[statement], (eid,))
        kind = (ref.namespace, ref.kind)
        labels = [(*kind, n, v, row.listed, eid) for n, v in row.labels.items()]
        self._con.executemany(SQL["delete_label"], labels)
        if until is not None:
            self._con.execute(SQL["insert_tombstone"], (*kind, ref.id, row.epoch, until))
        self._eid, self._old, self._lids = 0, (), {}

    def tombstone(self, epoch: str, now: int) -> bool:
        ref = self._ref
        args = (ref.namespace, ref.kind, ref.id, epoch, now)
        return self._one(SQL["tombstone"], *args) is not None

    def next_listed(self, now: int) -> int:
        top = self._one(SQL["top_listed"], self._ref.namespace, self._ref.kind)
        return max(now, (top[0] if top and top[0] else 0) + 1)

    def fields(self, map: str, names: Iterable[str], values: bool = True) -> dict[str, Field]:
        sql, eid = FIELD if values else FIELD_STAT, self._eid
        found: dict[str, Field] = {}
        for name in names:
            record = self._con.execute(sql, (eid, map, name)).fetchone()
            if record is not None:
                found[name] = to_field(record)
        return found

    def select(self, map: str, prefix: str | None, values: bool = True) -> dict[str, Field]:
        stat = "" if values else "_stat"
        if prefix:
            args = (self._eid, map, prefix, upper_bound(prefix))
            records = self._con.execute(SQL["map_prefix" + stat], args)
        else:
            records = self._con.execute(SQL["map_all" + stat], (self._eid, map))
        return {record[0]: to_field(record) for record in records}

    def put_fields(self, map: str, fields: dict[str, Field]) -> None:
        eid = self._eid
        for name, f in fields.items():
            refs = _refs(f.refs) if f.refs else None
            args = (eid, map, name, f.value, f.revision, f.window, f.end, refs)
            self._con.execute(PUT_FIELD, args)

    def del_fields(self, map: str, names: Iterable[str]) -> None:
        rows = [(self._eid, map, name) for name in names]
        self._con.executemany(SQL["delete_field"], rows)

    def move_ends(self, map: str, ends: dict[str, int]) -> None:
        rows = [(end, self._eid, map, name) for name, end in ends.items()]
        self._con.executemany(SQL["move_end"], rows)

    def run_out(self, now: int) -> list[tuple[str, str, int]]:
        return self._con.execute(SQL["run_out"], (self._eid, now)).fetchall()

    def first_end(self) -> int | None:
        found = self._one(SQL["first_end"], self._eid)
        return found[0] if found else None

    def maps(self) -> list[str]:
        return [name for (name,) in self._con.execute(SQL["maps"], (self._eid,))]

    def logs(self) -> list[str]:
        return [name for (name,) in self._con.execute(SQL["logs"], (self._eid,))]

    def log(self, log: str) -> LogRow | None:
        record = self._one(LOG, self._eid, log)
        if record is None:
            return None
        self._lids[log] = record[0]
        return LogRow(*record[1:])

    def put_log(self, log: str, row: LogRow) -> None:
        self._con.execute(UPDATE_LOG, (row.head, row.count, row.bytes, self._lid(log)))

    def _lid(self, log: str) -> int:
        if log not in self._lids and self.log(log) is None:
            made = self._con.execute(SQL["insert_log"], (self._eid, log, 0, 0, 0))
            self._lids[log] = made.lastrowid or 0
        return self._lids[log]

    def items(
        self,
        log: str,
        after: int,
        before: int | None,
        limit: int | None,
        newest: bool,
        values: bool = True,
    ) -> list[Item]:
        base = self._lid(log) << 32
        high = SEQ if before is None else max(0, min(before, SEQ))
        args = (base + min(after, SEQ), base + high, -1 if limit is None else limit)
        name = ("items_newest" if newest else "items_oldest") + ("" if values else "_stat")
        records = self._con.execute(SQL[name], args)
        found = [to_item(record) for record in records]
        return found[::-1] if newest else found

    def find(self, log: str, ids: Iterable[str]) -> dict[str, int]:
        lid = self._lid(log)
        found: dict[str, int] = {}
        for item_id in ids:
            record = self._one(SQL["item_by_id"], lid, item_id)
            if record is not None:
                found[item_id] = record[0] & SEQ
        return found

    def at(self, log: str, seqs: Iterable[int]) -> list[Item]:
        base = self._lid(log) << 32
        asked = (self._one(SQL["item"], base | seq) for seq in seqs)
        return [to_item(record) for record in asked if record is not None]

    def put_items(self, log: str, items: Iterable[Item]) -> None:
        base = self._lid(log) << 32
        for i in items:
            refs = _refs(i.refs) if i.refs else None
            self._con.execute(PUT_ITEM, (base | i.seq, i.value, i.id, refs, i.at))

    def cut_items(self, log: str, low: int, high: int) -> tuple[int, int]:
        base = self._lid(log) << 32
        span = (base | low, base | min(high, SEQ))
        count, size = self._con.execute(SQL["items_weight"], span).fetchone()
        self._con.execute(SQL["delete_log_items"], span)
        return count, size
