"""The first statement of a packet: entities, and beside each what most batches ask for. Pure.

A statement costs the server more than what it finds: a batch that names one field, and the epoch that it has seen,
gets both with the entity's row, and with it the time and the highest place in the listings of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from threadkeep.engines.sql.mysql.facts import Tops
from threadkeep.engines.sql.mysql.need import Need
from threadkeep.engines.sql.mysql.packet import Row, joined, moment
from threadkeep.engines.sql.mysql.rows import COLUMNS

REF: Final = ("n", "ns", "kind", "id")
HERE: Final = "e.ns = q.ns and e.kind = q.kind and e.id = q.id"
THERE: Final = "t.ns = q.ns and t.kind = q.kind and t.id = q.id"
FIELD: Final = "f.map, f.name, f.rev, f.win, f.expires, f.refs, f.size"
_COLUMNS: Final = (*REF, "map", "name", "valued", "epoch")
_TOP: Final = ", (select max(listed) from tk_entity where ns = x'{}' and kind = x'{}')"
_HEAD: Final = 4  # columns before the places in listings
_ENTITY_WIDTH: Final = COLUMNS.count(",") + 1
_FIELD_WIDTH: Final = FIELD.count(",") + 2  # with the value

Place = tuple[bytes, bytes, bytes]


class Found(NamedTuple):
    """What a row of the answer says. `entity` is nothing but None where none stands, `field` None."""

    n: int
    at: int
    late: bool  # something in it has run out
    entity: Row
    field: Row | None
    until: int


class First:
    """The statement for a group. `fields` and `epochs` are those that it asks for, by the number of the entity."""

    def __init__(self, places: Sequence[Place], needs: Sequence[Need]) -> None:
        self._places, self._needs = places, needs
        self._kinds: list[tuple[bytes, bytes]] = []
        self.fields = [next(iter(n.fields)) if len(n.fields) == 1 else None for n in needs]
        self.epochs = [next(iter(n.epochs)) if len(n.epochs) == 1 else None for n in needs]
        self._with_fields, self._with_epochs = any(self.fields), any(self.epochs)

    def statement(self, now: int | None, *, lock: bool) -> tuple[str, list[object]]:
        """Return its text and arguments; `lock`: to write, so rows are locked and places in listings asked for."""
        at = moment(now)
        self._kinds = list(dict.fromkeys(place[:2] for place in self._places)) if lock else []
        late = f"coalesce(e.due <= {at} or e.due > e.expires, 0)"
        # of those so far, for what is asked next
        any_late = f"@tk_due := if(q.n, @tk_due, 0) or {late}"
        tops = "".join([_TOP.format(ns.hex(), kind.hex()) for ns, kind in self._kinds])
        found = [f"{at}, {late}, {any_late}{tops}", COLUMNS]
        joins = [f"{{each}} tk_entity e on {HERE}"]
        if self._with_fields:
            found.append(f"{FIELD}, if(q.valued, f.value, null)")
            joins.append("tk_field f on f.eid = e.eid and f.map = q.map and f.name = q.name")
        if self._with_epochs:
            found.append("t.until")
            joins.append(f"tk_tombstone t on {THERE} and t.epoch = q.epoch")
        text = f"select q.n, {', '.join(found)} from {' left join '.join(joins)}"
        rows = [(n, *self._places[n], *self._beside(n)) for n in range(len(self._places))]
        return joined(text + " for update" * lock, _COLUMNS, rows)

    def _beside(self, n: int) -> tuple[bytes | None, bytes | None, int, bytes | None]:
        field, epoch = self.fields[n], self.epochs[n]
        named = None if epoch is None else epoch.encode()
        if field is None:
            return None, None, 0, named
        return field[0].encode(), field[1].encode(), int(self._needs[n].fields[field]), named

    def tops(self, row: Row) -> Tops:
        """Return the highest places in listings, which every row says."""
        places = row[_HEAD : _HEAD + len(self._kinds)]
        return {
            (ns.decode(), kind.decode()): listed or 0
            for (ns, kind), listed in zip(self._kinds, places, strict=True)
        }

    def found(self, row: Row) -> Found:
        """Return what a row says."""
        n, at, late = row[:3]
        begin = _HEAD + len(self._kinds)
        end = begin + _ENTITY_WIDTH
        stands = self._with_fields and row[end] is not None
        field = row[end : end + _FIELD_WIDTH] if stands else None
        until = (row[-1] or 0) if self._with_epochs else 0
        return Found(n, at, bool(late), row[begin:end], field, until)
