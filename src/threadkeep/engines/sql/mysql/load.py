"""The first packet: the entities of a group, locked or not, and all that their batches ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from threadkeep.engines.sql.mysql.facts import ENDLESS, Facts, Tops
from threadkeep.engines.sql.mysql.first import FIELD, HERE, REF, THERE, First
from threadkeep.engines.sql.mysql.need import Need, Span
from threadkeep.engines.sql.mysql.packet import Packet, Row, Sink, clock, joined
from threadkeep.engines.sql.mysql.rows import above, place, to_facts, to_field, to_item
from threadkeep.errors import DataLost
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import Item

# A row just made can be locked a moment before a snapshot has the rest: what is locked is not read by one.
CURRENT: Final = " lock in share mode"
_ITEM: Final = "i.log, i.seq, i.id, i.refs, i.at, i.size"


class Loading:
    """The reads of a group of entities, collected into one packet."""

    def __init__(self, refs: Sequence[Ref], needs: Sequence[Need]) -> None:
        self.places = [place(ref) for ref in refs]
        self.needs = needs
        self.facts: list[Facts] = [Facts() for _ in refs]
        self.tops: Tops = {}
        self.now = 0
        self.refs = refs

    def ask(self, packet: Packet, now: int | None, *, lock: bool, mariadb: bool) -> None:
        """Add all reads; with `lock` the entities' rows are locked, in the order of their addresses."""
        self._entities(packet, now, lock=lock)
        self._due(packet, now, mariadb=mariadb)
        for values in (False, True):
            self._named(packet, values=values)
            self._whole_maps(packet, values=values)
            self._by_id(packet, values=values)
        self._by_number(packet)
        self._tombstones(packet)
        for n, need in enumerate(self.needs):
            for (map_, prefix), values in need.maps.items():
                if prefix:
                    self._prefix(packet, n, map_, prefix, values=values)
            for span, values in need.spans.items():
                self._span(packet, n, span, values=values)
            for log, before in need.sums:
                self._sum(packet, n, log, before)
            if need.ends:
                self._ends(packet, n)

    def _entities(self, packet: Packet, now: int | None, *, lock: bool) -> None:
        """Ask for the entities, for what most batches ask for beside them, the time and the places in listings."""
        self._first = First(self.places, self.needs)
        self._late: list[int] = []  # in which something has run out
        self._current = CURRENT * lock
        packet.add(*self._first.statement(now, lock=lock), self._take_first)

    def _take_first(self, rows: Sequence[Row]) -> None:
        self.tops.update(self._first.tops(rows[0]))
        for n, at, late, entity, field, until in map(self._first.found, rows):
            self.now = max(self.now, at)
            facts, asked, epoch = self.facts[n], self._first.fields[n], self._first.epochs[n]
            if entity[0] is not None:
                facts = self.facts[n] = to_facts(entity)
                if late:
                    self._late.append(n)
            if asked is not None:
                map_, name = asked
                facts.fields.setdefault(map_, {})[name] = to_field(field) if field else None
            if epoch is not None:
                facts.tombstones[epoch] = until

    def _grouped(
        self, packet: Packet, text: str, names: Sequence[str], rows: Sequence[Row], sink: Sink
    ) -> None:
        if rows:
            packet.add(*self._joined(text, names, rows), sink)

    def _joined(
        self, text: str, names: Sequence[str], rows: Sequence[Row]
    ) -> tuple[str, list[object]]:
        placed: list[Row] = [(n, *self.places[n], *given) for n, *given in rows]
        return joined(text + self._current, (*REF, *names), placed)

    def _named(self, packet: Packet, *, values: bool) -> None:
        asked = [
            (n, map_, name)
            for n, need in enumerate(self.needs)
            for (map_, name), wanted in need.fields.items()
            if wanted is values and not self._first.fields[n]
        ]
        value = "f.value" if values else "null"
        text = (
            f"select q.n, {FIELD}, {value} from {{q}} tk_entity e straight_join tk_field f"
            f" where {HERE} and f.eid = e.eid and f.map = q.map and f.name = q.name"
        )

        def take(found: Sequence[Row]) -> None:
            for n, map_, name in asked:
                self.facts[n].fields.setdefault(map_, {}).setdefault(name, None)
            self._take_fields(found)

        rows = [(n, map_.encode(), name.encode()) for n, map_, name in asked]
        self._grouped(packet, text, ("map", "name"), rows, take)

    def _due(self, packet: Packet, now: int | None, *, mariadb: bool) -> None:
        """Ask what ends in entities of which something has run out, whichever they are."""
        text = (
            "select q.n, f.map, f.name, f.size, f.expires from {q} tk_entity e straight_join tk_field f"
            f" where {HERE} and (e.due <= {clock(now)} or e.due > e.expires)"
            " and f.eid = e.eid and f.expires is not null"
        )
        text, args = self._joined(text, (), [(n,) for n in range(len(self.places))])
        if mariadb:  # MySQL knows no such statement
            packet.add_if("@tk_due", text, args, self._take_due)
        else:
            packet.add(text, args, self._take_due)

    def _take_due(self, rows: Sequence[Row]) -> None:
        for n in self._late:
            self.facts[n].ends = {}
        for n, map_, name, size, end in rows:
            ends = self._of(n).ends
            if ends is not None:
                ends[map_.decode(), name.decode()] = (size, end)

    def _of(self, n: int) -> Facts:
        return self.facts[n]

    def _take_fields(self, rows: Sequence[Row]) -> None:
        for n, *record in rows:
            if self._of(n).row is None:  # made since the first statement looked
                continue
            field = to_field(tuple(record))
            stored = self._of(n).fields.setdefault(record[0].decode(), {})
            name = record[1].decode()
            old = stored.get(name)
            if old is None or len(old.value) != old.size:
                stored[name] = field

    def _whole_maps(self, packet: Packet, *, values: bool) -> None:
        asked = [
            (n, map_)
            for n, need in enumerate(self.needs)
            for (map_, prefix), wanted in need.maps.items()
            if wanted is values and not prefix
        ]
        value = "f.value" if values else "null"
        text = (
            f"select q.n, {FIELD}, {value} from {{q}} tk_entity e straight_join tk_field f"
            f" where {HERE} and f.eid = e.eid and f.map = q.map"
        )

        def take(found: Sequence[Row]) -> None:
            for n, map_ in asked:
                self.facts[n].whole.add((map_, ""))
            self._take_fields(found)

        self._grouped(packet, text, ("map",), [(n, map_.encode()) for n, map_ in asked], take)

    def _one(self, packet: Packet, n: int, text: str, args: Sequence[object], sink: Sink) -> None:
        where = "e.ns = %s and e.kind = %s and e.id = %s"
        text = text.format(n=n, where=where) + self._current
        packet.add(text, (*self.places[n], *args), sink)

    def _prefix(self, packet: Packet, n: int, map_: str, prefix: str, *, values: bool) -> None:
        value = "f.value" if values else "null"
        text = (
            f"select {{n}}, {FIELD}, {value} from tk_entity e straight_join tk_field f on f.eid = e.eid"
            " where {where} and f.map = %s and f.name >= %s and f.name < %s"
        )

        def take(found: Sequence[Row]) -> None:
            self.facts[n].whole.add((map_, prefix))
            self._take_fields(found)

        self._one(packet, n, text, (map_.encode(), prefix.encode(), above(prefix)), take)

    def _span(self, packet: Packet, n: int, span: Span, *, values: bool) -> None:
        log, after, before, limit, newest = span
        value = "i.value" if values else "null"
        high = ENDLESS if before is None else before
        text = (
            f"select {_ITEM}, {value} from tk_entity e straight_join tk_item i on i.eid = e.eid"
            " where {where} and i.log = %s and i.seq > %s and i.seq < %s"
            f" order by i.seq{' desc' if newest else ''} limit %s"
        )
        most = ENDLESS if limit is None else limit

        def take(found: Sequence[Row]) -> None:
            items = self._take_items(n, log, found)
            low, top = after + 1, high - 1
            if len(items) == most and items:
                low, top = (items[-1].seq, top) if newest else (low, items[-1].seq)
            self.facts[n].log(log).cover(low, top)

        self._one(packet, n, text, (log.encode(), after, high, most), take)

    def _take_items(self, n: int, log: str, rows: Sequence[Row]) -> list[Item]:
        facts = self.facts[n]
        if rows and facts.row is None:
            if (
                self._current
            ):  # made since the first statement: to write it fails, and is begun again
                return []
            raise DataLost(f"{self.refs[n]} is gone, and items of its log {log!r} stand")
        items = [to_item(record) for record in rows]
        known = facts.log(log)
        for item in items:
            known.learn(item)
        return items

    def _by_id(self, packet: Packet, *, values: bool) -> None:
        asked = [
            (n, log, name)
            for n, need in enumerate(self.needs)
            for (log, name), wanted in need.ids.items()
            if wanted is values
        ]
        value = "i.value" if values else "null"
        text = (
            f"select q.n, {_ITEM}, {value} from {{q}} tk_entity e straight_join tk_item i"
            f" where {HERE} and i.eid = e.eid and i.log = q.log and i.id = q.item"
        )

        def take(found: Sequence[Row]) -> None:
            for n, log, name in asked:
                self.facts[n].log(log).ids.setdefault(name, None)
            self._take_each(found)

        rows = [(n, log.encode(), name.encode()) for n, log, name in asked]
        self._grouped(packet, text, ("log", "item"), rows, take)

    def _take_each(self, rows: Sequence[Row]) -> None:
        for n, *record in rows:
            self._take_items(n, record[0].decode(), [tuple(record)])

    def _by_number(self, packet: Packet) -> None:
        asked = [(n, *key) for n, need in enumerate(self.needs) for key in need.seqs]
        text = (
            f"select q.n, {_ITEM}, i.value from {{q}} tk_entity e straight_join tk_item i"
            f" where {HERE} and i.eid = e.eid and i.log = q.log and i.seq = q.seq"
        )

        def take(found: Sequence[Row]) -> None:
            for n, log, seq in asked:
                self.facts[n].log(log).absent.add(seq)
            self._take_each(found)

        rows = [(n, log.encode(), seq) for n, log, seq in asked]
        self._grouped(packet, text, ("log", "seq"), rows, take)

    def _sum(self, packet: Packet, n: int, log: str, before: int) -> None:
        text = (
            "select count(*), cast(coalesce(sum(i.size), 0) as signed) from tk_entity e"
            " straight_join tk_item i on i.eid = e.eid"
            " where {where} and i.log = %s and i.seq < %s"
        )

        def take(found: Sequence[Row]) -> None:
            self.facts[n].log(log).sums[before] = (found[0][0], found[0][1])

        self._one(packet, n, text, (log.encode(), before), take)

    def _tombstones(self, packet: Packet) -> None:
        asked = [
            (n, epoch)
            for n, need in enumerate(self.needs)
            for epoch in need.epochs
            if not self._first.epochs[n]
        ]
        text = (
            "select q.n, t.epoch, t.until from {q} tk_tombstone t"
            f" where {THERE} and t.epoch = q.epoch"
        )

        def take(found: Sequence[Row]) -> None:
            for n, epoch in asked:
                self.facts[n].tombstones[epoch] = 0
            for n, epoch, until in found:
                self._of(n).tombstones[epoch.decode()] = until

        self._grouped(packet, text, ("epoch",), [(n, epoch.encode()) for n, epoch in asked], take)

    def _ends(self, packet: Packet, n: int) -> None:
        text = (
            "select f.map, f.name, f.size, f.expires from tk_entity e"
            " straight_join tk_field f on f.eid = e.eid where {where} and f.expires is not null"
        )

        def take(found: Sequence[Row]) -> None:
            self.facts[n].ends = {
                (map_.decode(), name.decode()): (size, end) for map_, name, size, end in found
            }

        self._one(packet, n, text, (), take)
