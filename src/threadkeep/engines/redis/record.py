"""The record of an entity as listings read it, without the script."""

from __future__ import annotations

from typing import Any

import msgspec

from threadkeep.engines.reads import is_over, row_info
from threadkeep.engines.view import Row
from threadkeep.ops.reply import EntityInfo

ASKED = ("", "\2", "\3")  # fields of an entity's hash, in the order in which `Record` takes them
_WIDTHS = (4, 7, 7, 7, 7, 3, 6, 4, 6, 3, 3)


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
    numbers: list[int] = []
    at = 1
    for width in _WIDTHS:
        numbers.append(int.from_bytes(raw[at : at + width], "big"))
        at += width
    ends: list[int | None] = []
    for bit in (1, 2, 4, 8):
        ends.append(int.from_bytes(raw[at : at + 8], "big") if raw[0] & bit else None)
        at += 8 if raw[0] & bit else 0
    revision, created, updated, listed, prior, fields, field_bytes, items, item_bytes = numbers[:9]
    row = Row(
        created=created,
        updated=updated,
        listed=listed,
        prior=prior,
        revision=revision,
        epoch=raw[at:].decode(),
        window=ends[0],
        end=ends[1],
        due=ends[2],
        labels=_labels(labels),
        fields=fields,
        field_bytes=field_bytes,
        items=items,
        item_bytes=item_bytes,
    )
    return Record(row, bool(meta and _table(meta).get("l")))


def _labels(raw: bytes | None) -> dict[str, str]:
    return dict(sorted(_table(raw).items())) if raw else {}


def _table(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] | list[Any] = msgspec.msgpack.decode(raw, type=dict[str, Any] | list[Any])
    return found if isinstance(found, dict) else {}  # an empty table of Lua is an empty array
