"""The writes of a batch to fields, checked and collected before the first one is done."""

from __future__ import annotations

from threadkeep.engines.reads import Renewals, living, note_renewals
from threadkeep.engines.view import HIDDEN, Row, View
from threadkeep.errors import TooLarge
from threadkeep.ops.numbers import increased, stored
from threadkeep.ops.ops import Del, Incr, Set, Touch
from threadkeep.ops.reply import Count, Field, Names, Number


class Stage:
    """Fields as they will be, over a View as it is.

    Nothing reaches the View before `flush`; an error before that leaves the entity as it was.
    """

    def __init__(self, view: View, row: Row | None, now: int, revision: int) -> None:
        self._view = view
        self._now = now
        self._revision = revision
        self._known = row is not None
        self._old: dict[str, dict[str, Field | None]] = {}
        self._new: dict[str, dict[str, Field | None]] = {}
        self.renewals: Renewals = {}
        self.changed = False
        self.due: int | None = None

    def _look(self, map_: str, names: list[str], *, values: bool) -> dict[str, Field]:
        """Return the fields of these names as the batch has left them so far."""
        new = self._new.get(map_, {})
        old = self._old.setdefault(map_, {})
        ask = [n for n in names if n not in new and (values or n not in old)]
        if ask and self._known:
            stored = self._view.fields(map_, ask, values)
            old.update({n: stored.get(n) for n in ask})
        found = {n: new[n] if n in new else old.get(n) for n in names}
        return living({n: f for n, f in found.items() if f is not None}, self._now)

    def _look_all(self, map_: str, prefix: str | None) -> dict[str, Field]:
        stored = self._view.select(map_, prefix, values=False) if self._known else {}
        self._old.setdefault(map_, {}).update(stored)
        new = {n: f for n, f in self._new.get(map_, {}).items() if n.startswith(prefix or "")}
        merged = stored | new
        return living({n: f for n, f in merged.items() if f is not None}, self._now)

    def _put(self, map_: str, name: str, field: Field | None) -> None:
        self._new.setdefault(map_, {})[name] = field
        self.changed = True
        if field is not None and field.end is not None:
            self.due = field.end if self.due is None else min(self.due, field.end)

    def set(self, op: Set) -> Names:
        """Stage a Set."""
        standing = self._look(op.map, list(op.items), values=False)
        window, end = op.lease.start(self._now)
        skipped: list[str] = []
        for name, value in op.items.items():
            if op.absent_only and name in standing:
                skipped.append(name)
                continue
            refs = op.refs.get(name, ()) if op.refs else ()
            self._put(op.map, name, Field(value, self._revision, window, end, refs, len(value)))
        return Names(tuple(skipped))

    def delete(self, op: Del) -> Names:
        """Stage a Del."""
        if op.fields is not None:
            standing = self._look(op.map, list(op.fields), values=False)
        else:
            standing = self._look_all(op.map, op.prefix)
        for name in standing:
            self._put(op.map, name, None)
        return Names(tuple(sorted(standing)))

    def incr(self, op: Incr) -> Number:
        """Stage an Incr; UsageError when no number stands there or the sum leaves the range."""
        field = self._look(op.map, [op.field], values=True).get(op.field)
        total = increased(field.value if field else None, op.by, op.field)
        window, end = op.lease.start(self._now)
        if field and op.keep:
            window, end = field.window, field.end
            if window is not None:
                end = self._now + window
        value = stored(total)
        refs = field.refs if field else ()
        self._put(op.map, op.field, Field(value, self._revision, window, end, refs, len(value)))
        return Number(total)

    def touch(self, op: Touch) -> Count:
        """Stage the renewal of a map's sliding fields, exactly to their windows."""
        assert op.map is not None  # noqa: S101 - the caller sends only these here
        if op.fields is not None:
            standing = self._look(op.map, list(op.fields), values=False)
        else:
            standing = self._look_all(op.map, None)
        note_renewals(op.map, standing, self._now, self.renewals, exact=True)
        return Count(sum(f.window is not None for f in standing.values()))

    def account(self, row: Row, limit: int) -> None:
        """Bring the counts of `row` up to date; TooLarge when it would hold more than `limit` fields."""
        fields, size = row.fields, row.field_bytes
        for map_, new in self._new.items():
            if map_.startswith(HIDDEN):
                continue
            old = self._old.get(map_, {})
            for name, field in new.items():
                before = old.get(name)
                fields += (field is not None) - (before is not None)
                size += (field.size if field else 0) - (before.size if before else 0)
        if fields > limit and fields > row.fields:
            raise TooLarge(f"the entity would hold {fields} fields; the limit is {limit}")
        row.fields, row.field_bytes = fields, size

    def flush(self) -> None:
        """Write everything that is staged."""
        for map_, new in self._new.items():
            old = self._old.get(map_, {})
            gone = [name for name, field in new.items() if field is None and old.get(name)]
            if gone:
                self._view.del_fields(map_, gone)
            kept = {name: field for name, field in new.items() if field is not None}
            if kept:
                self._view.put_fields(map_, kept)
            for name in new:
                self.renewals.get(map_, {}).pop(name, None)
