"""One entity of the memory engine: the View over dicts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from copy import copy
from typing import Protocol

from threadkeep.engines.view import LogRow, Row
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

Key = tuple[str, str, tuple[str, str] | None]


class Log:
    """Items of one log by number, with their numbers in order."""

    def __init__(self) -> None:
        self.row = LogRow()
        self.seqs: list[int] = []
        self.items: dict[int, Item] = {}
        self.ids: dict[str, int] = {}


class Cell:
    """Everything of one entity."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.maps: dict[str, dict[str, Field]] = {}
        self.logs: dict[str, Log] = {}


class Index:
    """Places in listings, by namespace, kind and label."""

    def __init__(self) -> None:
        self.places: dict[Key, dict[int, Ref]] = {}
        self.unsorted: set[Key] = set()
        self.ids: dict[tuple[str, str], list[str] | None] = {}
        self.top: dict[tuple[str, str], int] = {}

    def move(self, ref: Ref, old: Row | None, new: Row | None) -> None:
        """Move an entity from where `old` stood to where `new` stands."""
        before = {(key, old.listed) for key in _keys(ref, old)} if old else set[tuple[Key, int]]()
        after = {(key, new.listed) for key in _keys(ref, new)} if new else set[tuple[Key, int]]()
        for key, listed in before - after:
            self.places[key].pop(listed, None)
        for key, listed in after - before:
            places = self.places.setdefault(key, {})
            if listed < next(reversed(places), 0):
                self.unsorted.add(key)
            places[listed] = ref
        if old is None or new is None:
            self.ids[ref.namespace, ref.kind] = None

    def of(self, key: Key) -> dict[int, Ref]:
        """Return the places of a key, lowest first."""
        if key in self.unsorted:  # a label came to an entity that others had passed
            self.unsorted.discard(key)
            self.places[key] = dict(sorted(self.places[key].items()))
        return self.places.get(key, {})


def _keys(ref: Ref, row: Row) -> list[Key]:
    return [
        (ref.namespace, ref.kind, None),
        *((ref.namespace, ref.kind, label) for label in row.labels.items()),
    ]


def copy_row(row: Row) -> Row:
    """Return a row that may be changed without changing this one."""
    made = copy(row)
    made.labels = dict(row.labels)
    return made


def _without_values(found: dict[str, Field]) -> dict[str, Field]:
    return {
        name: Field(b"", f.revision, f.window, f.end, f.refs, f.size) for name, f in found.items()
    }


class Holder(Protocol):
    """Where cells, tombstones, due times and places in listings are kept."""

    cells: dict[Ref, Cell]
    tombstones: dict[tuple[Ref, str], int]
    due: dict[Ref, int]
    index: Index


class MemoryView:
    """One entity of the memory engine."""

    def __init__(self, memory: Holder, ref: Ref) -> None:
        self._memory = memory
        self._ref = ref
        self._cell = memory.cells.get(ref)

    def entity(self) -> Row | None:
        return copy_row(self._cell.row) if self._cell else None

    def put_entity(self, row: Row) -> None:
        cell = self._here()
        old = cell.row if self._ref in self._memory.cells else None
        if old is None or old.listed != row.listed or old.labels != row.labels:
            self._memory.index.move(self._ref, old, row)
        cell.row = copy_row(row)
        self._memory.cells[self._ref] = cell
        if row.due is None:
            self._memory.due.pop(self._ref, None)
        else:
            self._memory.due[self._ref] = row.due

    def _here(self) -> Cell:
        if self._cell is None:
            self._cell = Cell(Row(created=0, updated=0))
        return self._cell

    def drop(self, until: int | None) -> None:
        cell = self._memory.cells.pop(self._ref)
        self._memory.due.pop(self._ref, None)
        self._memory.index.move(self._ref, cell.row, None)
        if until is not None:
            self._memory.tombstones[self._ref, cell.row.epoch] = until
        self._cell = None

    def tombstone(self, epoch: str, now: int) -> bool:
        return self._memory.tombstones.get((self._ref, epoch), 0) > now

    def next_listed(self, now: int) -> int:
        key = (self._ref.namespace, self._ref.kind)
        place = max(now, self._memory.index.top.get(key, 0) + 1)
        self._memory.index.top[key] = place
        return place

    def _map(self, map_: str) -> dict[str, Field]:
        return self._cell.maps.get(map_, {}) if self._cell else {}

    def fields(self, map: str, names: Iterable[str], values: bool = True) -> dict[str, Field]:
        stored = self._map(map)
        found = {name: stored[name] for name in names if name in stored}
        return found if values else _without_values(found)

    def select(self, map: str, prefix: str | None, values: bool = True) -> dict[str, Field]:
        stored = self._map(map)
        found = {n: stored[n] for n in sorted(stored) if prefix is None or n.startswith(prefix)}
        return found if values else _without_values(found)

    def put_fields(self, map: str, fields: dict[str, Field]) -> None:
        self._here().maps.setdefault(map, {}).update(fields)

    def del_fields(self, map: str, names: Iterable[str]) -> None:
        stored = self._map(map)
        for name in names:
            stored.pop(name, None)
        if not stored and self._cell:
            self._cell.maps.pop(map, None)

    def move_ends(self, map: str, ends: dict[str, int]) -> None:
        stored = self._map(map)
        for name, end in ends.items():
            field = stored[name]
            stored[name] = Field(
                field.value, field.revision, field.window, end, field.refs, field.size
            )

    def run_out(self, now: int) -> list[tuple[str, str, int]]:
        maps = self._cell.maps if self._cell else {}
        return [
            (map_, name, field.size)
            for map_, stored in maps.items()
            for name, field in stored.items()
            if field.end is not None and field.end <= now
        ]

    def first_end(self) -> int | None:
        maps = self._cell.maps.values() if self._cell else ()
        ends = [f.end for stored in maps for f in stored.values() if f.end is not None]
        return min(ends, default=None)

    def maps(self) -> list[str]:
        return sorted(self._cell.maps) if self._cell else []

    def logs(self) -> list[str]:
        return sorted(self._cell.logs) if self._cell else []

    def _log(self, log: str) -> Log:
        return self._here().logs.setdefault(log, Log())

    def log(self, log: str) -> LogRow | None:
        found = self._cell.logs.get(log) if self._cell else None
        return LogRow(found.row.head, found.row.count, found.row.bytes) if found else None

    def put_log(self, log: str, row: LogRow) -> None:
        self._log(log).row = row

    def items(
        self,
        log: str,
        after: int,
        before: int | None,
        limit: int | None,
        newest: bool,
        values: bool = True,
    ) -> list[Item]:
        found = self._log(log)
        low = bisect_right(found.seqs, after)
        high = len(found.seqs) if before is None else bisect_left(found.seqs, before)
        if limit is not None and high - low > limit:
            low, high = (high - limit, high) if newest else (low, low + limit)
        items = [found.items[seq] for seq in found.seqs[low:high]]
        if values:
            return items
        return [Item(i.seq, b"", i.id, i.refs, i.at, len(i.value)) for i in items]

    def find(self, log: str, ids: Iterable[str]) -> dict[str, int]:
        known = self._log(log).ids
        return {i: known[i] for i in ids if i in known}

    def at(self, log: str, seqs: Iterable[int]) -> list[Item]:
        items = self._log(log).items
        return [items[seq] for seq in seqs if seq in items]

    def put_items(self, log: str, items: Iterable[Item]) -> None:
        found = self._log(log)
        for item in items:
            old = found.items.get(item.seq)
            if old is None:
                if found.seqs and found.seqs[-1] > item.seq:
                    found.seqs.insert(bisect_left(found.seqs, item.seq), item.seq)
                else:
                    found.seqs.append(item.seq)
            elif old.id is not None:
                found.ids.pop(old.id, None)
            found.items[item.seq] = item
            if item.id is not None:
                found.ids[item.id] = item.seq

    def cut_items(self, log: str, low: int, high: int) -> tuple[int, int]:
        found = self._log(log)
        first, last = bisect_left(found.seqs, low), bisect_right(found.seqs, high)
        gone = [found.items.pop(seq) for seq in found.seqs[first:last]]
        del found.seqs[first:last]
        for item in gone:
            if item.id is not None:
                found.ids.pop(item.id, None)
        return len(gone), sum(len(item.value) for item in gone)
