"""The second packet: everything that a group of batches has changed, a statement for each table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import SystemRandom
from typing import Any, Final

import msgspec

from threadkeep.engines.sql.mysql.facts import Facts
from threadkeep.engines.sql.mysql.packet import Packet, joined
from threadkeep.engines.sql.mysql.rows import place
from threadkeep.engines.sql.mysql.view import LoadedView
from threadkeep.engines.view import Row

_json = msgspec.json.encode
_draw = SystemRandom().getrandbits
_BORN: Final = ("eid", "ns", "kind", "id", "created", "epoch")  # of an entity, for good
_ROW: Final = (
    *("updated", "revision", "expires", "due", "fields", "field_bytes", "items", "item_bytes"),
    *("listed", "prior", "win", "labels", "maps", "logs"),
)
_FIELD: Final = ("eid", "map", "name", "size", "rev", "win", "expires", "refs", "value")
_ITEM: Final = ("eid", "log", "seq", "at", "id", "refs", "size", "value")
_LABEL: Final = ("ns", "kind", "name", "value", "listed", "eid")
_TOMBSTONE: Final = ("ns", "kind", "id", "epoch", "until")
_Rows = list[Sequence[object]]


def write_all(packet: Packet, views: Iterable[LoadedView], now: int, *, mariadb: bool) -> None:
    """Add the statements that write what has changed; what goes goes first."""
    writing = _Writing(now, mariadb)
    for view in views:
        if view.changes.any:
            writing.collect(view)
    writing.send(packet)


def new_eid(now: int) -> int:
    """Return a number for a new entity: those of one time lie together, and no two are likely to be the same."""
    return (max(now, 0) >> 16 & 0x7_FFFF_FFFF) << 28 | _draw(28)


class _Writing:
    def __init__(self, now: int, mariadb: bool) -> None:
        self._now, self._mariadb = now, mariadb
        self._born: _Rows = []
        self._changed: dict[tuple[str, ...], _Rows] = {}  # entities by the columns to write
        self._fields: _Rows = []
        self._gone_fields: _Rows = []
        self._moved: _Rows = []
        self._items: _Rows = []
        self._cuts: _Rows = []
        self._labels: _Rows = []
        self._gone_labels: _Rows = []
        self._dropped: list[int] = []
        self._tombstones: _Rows = []

    def collect(self, view: LoadedView) -> None:
        """Take the changes of one entity."""
        facts, changes, ref = view.facts, view.changes, view.ref
        ns, kind, name = place(ref)
        for eid, listed, labels in changes.dropped:
            self._dropped.append(eid)
            self._gone_labels += _label_rows(ns, kind, labels, listed, eid)
        self._tombstones += [
            (ns, kind, name, epoch.encode(), until) for epoch, until in changes.tombstones.items()
        ]
        if facts.row is None:
            return
        born = view.old is None
        if born:
            facts.eid = new_eid(self._now)
        if changes.row:
            self._row(view, ns, kind, name)
            self._relabel(view, ns, kind)
        eid = facts.eid
        for map_, field in sorted(changes.fields):
            key = (eid, map_.encode(), field.encode())
            f = facts.fields[map_][field]
            if f is not None:
                refs = _json(f.refs) if f.refs else None
                self._fields.append((*key, f.size, f.revision, f.window, f.end, refs, f.value))
            elif not born:
                self._gone_fields.append(key)
        for map_, field in changes.moved - changes.fields:
            f = facts.fields[map_][field]
            assert f is not None  # noqa: S101 - what goes stands in `fields`
            self._moved.append((f.end, eid, map_.encode(), field.encode()))
        self._cuts += [(eid, log.encode(), low, high) for log, low, high in changes.cuts]
        for log, seq in changes.items:
            i = facts.log(log).items[seq]
            named = None if i.id is None else i.id.encode()
            refs = _json(i.refs) if i.refs else None
            size = len(i.value)
            self._items.append((eid, log.encode(), seq, i.at, named, refs, size, i.value))

    def _row(self, view: LoadedView, ns: bytes, kind: bytes, name: bytes) -> None:
        facts, row = view.facts, view.facts.row
        assert row is not None  # noqa: S101 - the caller looked
        values = dict(zip(_ROW, _values(facts, row), strict=True))
        if view.old is None:
            born = (facts.eid, ns, kind, name, row.created, row.epoch.encode())
            self._born.append((*born, *values.values()))
            return
        stored = facts.seldom
        columns = tuple([c for c, v in values.items() if c not in stored or stored[c] != v])
        written = [values[column] for column in columns]
        self._changed.setdefault(columns, []).append((facts.eid, *written))

    def _relabel(self, view: LoadedView, ns: bytes, kind: bytes) -> None:
        old, row = view.old, view.facts.row
        assert row is not None  # noqa: S101 - the caller looked
        if old is not None:
            if (old.listed, old.labels) == (row.listed, row.labels):
                return
            self._gone_labels += _label_rows(ns, kind, old.labels, old.listed, view.facts.eid)
        self._labels += _label_rows(ns, kind, row.labels, row.listed, view.facts.eid)

    def send(self, packet: Packet) -> None:
        """Add the statements."""
        for eids in [self._dropped] if self._dropped else ():
            marks = ", ".join(["%s"] * len(eids))
            for name in ("tk_item", "tk_field", "tk_entity"):
                packet.add(f"{_deleting(name)} t.eid in ({marks})", eids)
        _delete(packet, "tk_label", _LABEL, self._gone_labels)
        _delete(packet, "tk_field", ("eid", "map", "name"), self._gone_fields)
        if self._cuts:
            each = "(t.eid = %s and t.log = %s and t.seq between %s and %s)"
            marks = " or ".join([each] * len(self._cuts))
            packet.add(f"{_deleting('tk_item')} {marks}", _flat(self._cuts))
        if self._moved:
            text = (
                "update {q} tk_field f set f.expires = q.expires"
                " where f.eid = q.eid and f.map = q.map and f.name = q.name"
            )
            packet.add(*joined(text, ("expires", "eid", "map", "name"), self._moved))
        _insert(packet, "insert", "tk_entity", (*_BORN, *_ROW), self._born)
        for columns, rows in self._changed.items():
            changed = ", ".join([f"e.{column} = q.{column}" for column in columns])
            text = f"update {{q}} tk_entity e set {changed} where e.eid = q.eid"
            packet.add(*joined(text, ("eid", *columns), rows))
        self._upsert(packet)
        _insert(packet, "replace", "tk_item", _ITEM, self._items)
        _insert(packet, "insert", "tk_label", _LABEL, self._labels)
        _insert(packet, "replace", "tk_tombstone", _TOMBSTONE, self._tombstones)

    def _upsert(self, packet: Packet) -> None:
        given = "values({0})" if self._mariadb else "new.{0}"  # each server knows one of them
        changed = ", ".join([f"{c} = {given.format(c)}" for c in _FIELD[3:]])
        alias = "" if self._mariadb else " as new"
        end = f"{alias} on duplicate key update {changed}"
        _insert(packet, "insert", "tk_field", _FIELD, self._fields, end)


def _values(facts: Facts, row: Row) -> Sequence[object]:
    counts = {map_: count for map_, count in facts.counts.items() if count > 0}
    heads = {log: (h.head, h.count, h.bytes) for log, h in facts.heads.items()}
    return (
        *(row.updated, row.revision, row.end, row.due),
        *(row.fields, row.field_bytes, row.items, row.item_bytes),
        *(row.listed, row.prior, row.window),
        _json(row.labels) if row.labels else None,
        _json(counts) if counts else None,
        _json(heads) if heads else None,
    )


def _label_rows(ns: bytes, kind: bytes, labels: dict[str, str], listed: int, eid: int) -> _Rows:
    return [(ns, kind, n.encode(), v.encode(), listed, eid) for n, v in labels.items()]


def _flat(rows: _Rows) -> list[Any]:
    return [value for row in rows for value in row]


def _insert(
    packet: Packet, verb: str, name: str, columns: Sequence[str], rows: _Rows, end: str = ""
) -> None:
    if rows:
        each = f"({', '.join(['%s'] * len(columns))})"
        marks = ", ".join([each] * len(rows))
        packet.add(f"{verb} into {name} ({', '.join(columns)}) values {marks}{end}", _flat(rows))


def _delete(packet: Packet, name: str, columns: Sequence[str], rows: _Rows) -> None:
    if rows:
        each = f"({' and '.join(f't.{c} = %s' for c in columns)})"
        packet.add(f"{_deleting(name)} {' or '.join([each] * len(rows))}", _flat(rows))


def _deleting(name: str) -> str:
    """Return the beginning of a statement that looks at no other rows: it would wait for their locks."""
    return f"delete t from {name} t force index (primary) where"
