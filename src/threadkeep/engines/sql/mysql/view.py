"""One entity between the two packets: the View over what was read, with notes of what is to be written."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from threadkeep.engines.sql.mysql.facts import Facts, Tops, size_of, weighed
from threadkeep.engines.sql.mysql.need import Need
from threadkeep.engines.view import LogRow, Row
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field


class Unread(Exception):
    """A batch asks for what was not read."""

    def __init__(self, need: Need) -> None:
        super().__init__(repr(need))
        self.need = need


class Changes(msgspec.Struct):
    """What is to be written of one entity; the values stand in its facts."""

    row: bool = False
    fields: set[tuple[str, str]] = set()
    moved: set[tuple[str, str]] = set()  # only their ends
    cuts: list[tuple[str, int, int]] = []
    items: dict[tuple[str, int], bool] = {}
    tombstones: dict[str, int] = {}
    dropped: list[tuple[int, int, dict[str, str]]] = []  # eid, place and labels

    @property
    def any(self) -> bool:
        """Tell whether anything is to be written."""
        return bool(
            self.row
            or self.fields
            or self.moved
            or self.cuts
            or self.items
            or self.tombstones
            or self.dropped
        )


class LoadedView:
    """One entity of a group of batches, which run over it one after the other."""

    def __init__(self, ref: Ref, facts: Facts, tops: Tops) -> None:
        self.ref, self.facts, self.tops = ref, facts, tops
        self.old = facts.row
        self.changes = Changes()

    def entity(self) -> Row | None:
        row = self.facts.row
        return None if row is None else replace(row, labels=dict(row.labels))

    def put_entity(self, row: Row) -> None:
        self.facts.row = replace(row, labels=dict(row.labels))
        self.changes.row = True

    def drop(self, until: int | None) -> None:
        facts, old = self.facts, self.old
        assert facts.row is not None  # noqa: S101 - only what stands is dropped
        before = self.changes
        self.changes = Changes(tombstones=before.tombstones, dropped=before.dropped)
        if old is not None:
            self.changes.dropped.append((facts.eid, old.listed, old.labels))
        if until is not None:
            self.changes.tombstones[facts.row.epoch] = until
            facts.tombstones[facts.row.epoch] = until
        self.facts = Facts(tombstones=facts.tombstones)
        self.old = None

    def tombstone(self, epoch: str, now: int) -> bool:
        until = self.facts.tombstones.get(epoch)
        if until is None:
            raise Unread(Need(epochs={epoch: True}))
        return until > now

    def next_listed(self, now: int) -> int:
        key = (self.ref.namespace, self.ref.kind)
        place = self.tops[key] = max(now, self.tops.get(key, 0) + 1)
        return place

    def _known(self, map_: str, name: str) -> bool:
        return self.old is None or any(
            of == map_ and name.startswith(prefix) for of, prefix in self.facts.whole
        )

    def fields(self, map: str, names: Iterable[str], values: bool = True) -> dict[str, Field]:
        stored = self.facts.fields.get(map, {})
        found: dict[str, Field] = {}
        unread: dict[tuple[str, str], bool] = {}
        for name in names:
            field = stored.get(name)
            if field is None:
                if name not in stored and not self._known(map, name):
                    unread[map, name] = values
            elif values and len(field.value) != field.size:
                unread[map, name] = True
            else:
                found[name] = field if values else _without_value(field)
        if unread:
            raise Unread(Need(fields=unread))
        return found

    def select(self, map: str, prefix: str | None, values: bool = True) -> dict[str, Field]:
        start = prefix or ""
        if not self._known(map, start):
            raise Unread(Need(maps={(map, start): values}))
        stored = self.facts.fields.get(map, {})
        found = {n: f for n, f in sorted(stored.items()) if f is not None and n.startswith(start)}
        if not values:
            return {name: _without_value(field) for name, field in found.items()}
        if any(len(field.value) != field.size for field in found.values()):
            raise Unread(Need(maps={(map, start): True}))
        return found

    def _store(self, map_: str, name: str, field: Field | None) -> None:
        facts = self.facts
        stored = facts.fields.setdefault(map_, {})
        change = (field is not None) - (stored.get(name) is not None)
        if change:
            facts.counts[map_] = facts.counts.get(map_, 0) + change
            self.changes.row = True
        stored[name] = field
        self.changes.fields.add((map_, name))
        if facts.ends is not None:
            facts.ends.pop((map_, name), None)
            if field is not None and field.end is not None:
                facts.ends[map_, name] = (field.size, field.end)

    def put_fields(self, map: str, fields: dict[str, Field]) -> None:
        self.fields(map, fields, False)  # whether they stand must be known: maps are counted
        for name, field in fields.items():
            self._store(map, name, field)

    def del_fields(self, map: str, names: Iterable[str]) -> None:
        for name in names:
            stored = self.facts.fields.setdefault(map, {})
            if name not in stored:  # run out: it stands, and nobody has read it
                stored[name] = Field(b"", 0)
            self._store(map, name, None)

    def move_ends(self, map: str, ends: dict[str, int]) -> None:
        stored = self.facts.fields[map]
        for name, end in ends.items():
            field = stored[name]
            assert field is not None  # noqa: S101 - only what stands is renewed
            stored[name] = replace(field, end=end)
            self.changes.moved.add((map, name))
            if self.facts.ends is not None:
                self.facts.ends[map, name] = (field.size, end)

    def _ends(self) -> dict[tuple[str, str], tuple[int, int]]:
        if self.facts.ends is None:
            if self.old is not None:
                raise Unread(Need(ends=True))
            self.facts.ends = {
                (map_, name): (field.size, field.end)
                for map_, stored in self.facts.fields.items()
                for name, field in stored.items()
                if field is not None and field.end is not None
            }
        return self.facts.ends

    def run_out(self, now: int) -> list[tuple[str, str, int]]:
        return [(*key, size) for key, (size, end) in self._ends().items() if end <= now]

    def first_end(self) -> int | None:
        return min((end for _, end in self._ends().values()), default=None)

    def maps(self) -> list[str]:
        return sorted(name for name, count in self.facts.counts.items() if count > 0)

    def logs(self) -> list[str]:
        return sorted(self.facts.heads)

    def log(self, log: str) -> LogRow | None:
        row = self.facts.heads.get(log)
        return None if row is None else replace(row)

    def put_log(self, log: str, row: LogRow) -> None:
        self.facts.log(log)
        self.facts.heads[log] = replace(row)
        self.changes.row = True

    def items(
        self,
        log: str,
        after: int,
        before: int | None,
        limit: int | None,
        newest: bool,
        values: bool = True,
    ) -> list[Item]:
        known = self.facts.log(log)
        low, high = after + 1, (1 << 62 if before is None else before - 1)
        seqs = known.within(low, high)
        if limit is not None and len(seqs) > limit:
            seqs = seqs[-limit:] if newest else seqs[:limit]
        if limit is not None and len(seqs) == limit:  # what lies beyond them does not matter
            low, high = (seqs[0], high) if newest else (low, seqs[-1])
        found = [known.items[seq] for seq in seqs]
        if not known.knows(low, high) or (values and not all(map(weighed, found))):
            raise Unread(Need(spans={(log, after, before, None, newest): values}))
        if values:
            return found
        return [Item(i.seq, b"", i.id, i.refs, i.at, size_of(i)) for i in found]

    def find(self, log: str, ids: Iterable[str]) -> dict[str, int]:
        known = self.facts.log(log)
        found: dict[str, int] = {}
        unread: dict[tuple[str, str], bool] = {}
        for name in ids:
            seq = known.ids.get(name)
            if seq is not None:
                found[name] = seq
            elif name not in known.ids and not known.knows(1, known.head):
                unread[log, name] = False
        if unread:
            raise Unread(Need(ids=unread))
        return found

    def at(self, log: str, seqs: Iterable[int]) -> list[Item]:
        known = self.facts.log(log)
        found: list[Item] = []
        unread: dict[tuple[str, int], bool] = {}
        for seq in seqs:
            item = known.items.get(seq)
            if item is not None and weighed(item):
                found.append(item)
            elif item is not None or not (seq in known.absent or known.knows(seq, seq)):
                unread[log, seq] = True
        if unread:
            raise Unread(Need(seqs=unread))
        return found

    def put_items(self, log: str, items: Iterable[Item]) -> None:
        known = self.facts.log(log)
        for item in items:
            known.put(item)
            self.changes.items[log, item.seq] = True

    def cut_items(self, log: str, low: int, high: int) -> tuple[int, int]:
        known = self.facts.log(log)
        gone = [known.items[seq] for seq in known.within(low, high)]
        count, size = len(gone), sum(map(size_of, gone))
        if not known.knows(low, high):
            kept = [known.items[seq] for seq in known.within(high + 1, 1 << 62)]
            if low <= 1 and known.knows(high + 1, 1 << 61):
                count, size = known.count - len(kept), known.bytes - sum(map(size_of, kept))
            elif (
                low <= 1
                and high + 1 in known.sums
                and not (self.changes.cuts or self.changes.items)
            ):
                count, size = known.sums[high + 1]
            else:
                raise Unread(Need(spans={(log, low - 1, high + 1, None, False): False}))
        known.count -= count
        known.bytes -= size
        known.cut(low, high)
        self.changes.cuts.append((log, low, high))
        for key in [k for k in self.changes.items if k[0] == log and low <= k[1] <= high]:
            del self.changes.items[key]
        return count, size


def _without_value(field: Field) -> Field:
    if not field.value:
        return field
    return Field(b"", field.revision, field.window, field.end, field.refs, field.size)
