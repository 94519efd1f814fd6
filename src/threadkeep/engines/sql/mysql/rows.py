"""From names to columns, and from rows to what they mean. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from threadkeep.engines.sql.mysql.facts import Facts
from threadkeep.engines.sql.mysql.packet import Row
from threadkeep.engines.view import LogRow
from threadkeep.engines.view import Row as EntityRow
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

_names = msgspec.json.Decoder(tuple[str, ...]).decode
_labels = msgspec.json.Decoder(dict[str, str]).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode
_heads = msgspec.json.Decoder(dict[str, tuple[int, int, int]]).decode

COLUMNS: Final = (
    "e.eid, e.created, e.updated, e.listed, e.prior, e.revision, e.epoch, e.win, e.expires, e.due,"
    " e.labels, e.maps, e.logs, e.fields, e.field_bytes, e.items, e.item_bytes"
)


def place(ref: Ref) -> tuple[bytes, bytes, bytes]:
    """Return the columns of an address. Names are bytes in the tables."""
    return ref.namespace.encode(), ref.kind.encode(), ref.id.encode()


def to_facts(record: Row) -> Facts:
    """Return what an entity's row says."""
    eid, created, updated, listed, prior, revision, epoch, win, expires, due, *others = record
    labels, maps, logs, fields, field_bytes, items, item_bytes = others
    row = EntityRow(
        created=created,
        updated=updated,
        listed=listed,
        prior=prior,
        revision=revision,
        epoch=epoch.decode(),
        window=win,
        end=expires,
        due=due,
        labels=_labels(labels) if labels else {},
        fields=fields,
        field_bytes=field_bytes,
        items=items,
        item_bytes=item_bytes,
    )
    heads = {name: LogRow(*found) for name, found in _heads(logs).items()} if logs else {}
    counts = _counts(maps) if maps else {}
    seldom = {
        "listed": listed,
        "prior": prior,
        "win": win,
        "labels": labels,
        "maps": maps,
        "logs": logs,
    }
    return Facts(eid=eid, row=row, seldom=seldom, counts=counts, heads=heads)


def to_field(record: Row) -> Field:
    """Return a field from its columns."""
    _, _, rev, win, end, refs, size, value = record
    return Field(value or b"", rev, win, end, _names(refs) if refs else (), size)


def to_item(record: Row) -> Item:
    """Return an item from its columns; `size` is set where the value was not read."""
    _, seq, name, refs, at, size, value = record
    named = None if name is None else name.decode()
    return Item(
        seq, value or b"", named, _names(refs) if refs else (), at, size if value is None else 0
    )


def above(prefix: str) -> bytes:
    """Return the bytes above every name that begins with `prefix`."""
    raw = prefix.encode()
    return raw[:-1] + bytes([raw[-1] + 1])
