"""Reads that are small enough for the event loop."""

from __future__ import annotations

from collections.abc import Iterable

from threadkeep.engines.sql.sqlite.view import SqliteView
from threadkeep.engines.view import Row
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

HEAVY = 128 * 1024  # bytes: more than that is read in a thread of its own


class TooHeavy(Exception):
    """The read would hold up the caller's thread."""


class LightView(SqliteView):
    """A view that refuses reads which take long."""

    __slots__ = ("_field_bytes",)

    def entity(self) -> Row | None:
        row = super().entity()
        self._field_bytes = row.field_bytes if row else 0
        return row

    def fields(self, map: str, names: Iterable[str], values: bool = True) -> dict[str, Field]:
        if values and self._field_bytes > HEAVY:
            found = super().fields(map, names, values=False)
            if sum(field.size for field in found.values()) > HEAVY:
                raise TooHeavy
        return super().fields(map, names, values)

    def select(self, map: str, prefix: str | None, values: bool = True) -> dict[str, Field]:
        if values and self._field_bytes > HEAVY:
            raise TooHeavy
        return super().select(map, prefix, values)

    def items(
        self,
        log: str,
        after: int,
        before: int | None,
        limit: int | None,
        newest: bool,
        values: bool = True,
    ) -> list[Item]:
        row = self.log(log) if values else None
        if row is not None and row.count:
            count = row.count if limit is None else min(limit, row.count)
            if count * (row.bytes // row.count) > HEAVY:
                raise TooHeavy
        return super().items(log, after, before, limit, newest, values)
