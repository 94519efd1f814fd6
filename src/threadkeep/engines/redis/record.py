"""The record of an entity as listings read it, without the script."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import msgspec

from threadkeep.engines.reads import is_over, row_info
from threadkeep.engines.view import Row
from threadkeep.ops.reply import EntityInfo

ASKED = ("", "\2", "\3")  # fields of an entity's hash, in the order in which `Record` takes them
_FIXED = (0, 1, 5, 12, 19, 26, 29, 34)  # where its parts begin, see lua/00_short.lua
_LEASE = 34
_ENDS = ((1, 8), (2, 8), (4, 7), (8, 5))


class Record(msgspec.Struct):
    """What stands about an entity, and whether it has logs."""

    row: Row
    logs: bool

    @property
    def info(self) -> EntityInfo:
        """Return the public form, of an entity in which nothing has run out."""
        return row_info(self.row, [])

    def visible(self, now: int, labels: tuple[tuple[str, str], ...]) -> bool | None:
        """Tell whether a listing shows it; None when only the script can tell, or count it."""
        now = max(now, self.row.updated)
        if is_over(self.row, now):
            return False
        if any(self.row.labels.get(name) != value for name, value in labels):
            return False
        if self.row.due is not None and self.row.due <= now:
            return None
        return bool(self.logs or self.row.labels or self.row.end is not None or self.row.fields)


def read_record(found: list[bytes | None]) -> Record | None:
    """Return the record from the fields named in ASKED; None where no entity stands."""
    raw, meta, labels = found
    if raw is None:
        return None
    flags, revision, created, updated, listed, fields, field_bytes = (
        int.from_bytes(raw[at:to], "big") for at, to in pairwise(_FIXED)
    )
    window, end, due, at = read_lease(raw)
    logs: dict[str, list[int]] = _table(_table(_unpacked(meta)).get("l")) if meta else {}
    row = Row(
        created=created,
        updated=updated,
        listed=listed,
        prior=int.from_bytes(raw[_LEASE : _LEASE + 7], "big") if flags & 16 else 0,
        revision=revision,
        epoch=raw[at:].hex(),
        window=window,
        end=end,
        due=due,
        labels=_labels(labels),
        fields=fields,
        field_bytes=field_bytes,
        items=sum(log[1] for log in logs.values()),
        item_bytes=sum(log[2] for log in logs.values()),
    )
    return Record(row, bool(logs))


def read_lease(raw: bytes) -> tuple[int | None, int | None, int | None, int]:
    """Return window, end and due of a record, and where its epoch begins."""
    flags = raw[0]
    at = _LEASE + (7 if flags & 16 else 0) + (3 if flags & 32 else 0) + (3 if flags & 64 else 0)
    found: list[int | None] = []
    for bit, size in _ENDS:
        found.append(int.from_bytes(raw[at : at + size], "big") if flags & bit else None)
        at += size if flags & bit else 0
    window, end, due, _ = found
    return window, end, due, at


def _labels(raw: bytes | None) -> dict[str, str]:
    return dict(sorted(_table(_unpacked(raw)).items())) if raw else {}


def _unpacked(raw: bytes) -> Any:
    return msgspec.msgpack.decode(raw)


def _table(found: Any) -> dict[str, Any]:
    return (
        cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    )  # an empty table of Lua is an empty array
