"""Values of batches and replies, sealed on their way to an engine and opened on their way back.

Names, numbers, ids, links, labels, leases and hidden maps stay as they are. Sizes and bytes are
those of the values as the caller knows them.
"""

from __future__ import annotations

from msgspec.structs import replace

from threadkeep.model.refs import Ref
from threadkeep.model.sealing import Place, Sealer
from threadkeep.ops.engine import Listed, Page
from threadkeep.ops.ops import AnyOp, Append, Get, Item, Read, Restore, Set
from threadkeep.ops.reply import AnyResult, EntityInfo, Field, Fields, Items

HIDDEN = "#"
ANSWERS = "#answers"  # hidden, and yet the caller's content


def is_open(map_: str) -> bool:
    """Tell whether the values of a map stay as they are: it is hidden and holds nothing of a caller's."""
    return map_.startswith(HIDDEN) and map_ != ANSWERS


def field_place(ref: Ref, map_: str, name: str) -> Place:
    """Return the place of a field."""
    return Place(ref, "map", map_, name)


def item_place(ref: Ref, log: str, seq: int | None) -> Place:
    """Return the place of an item."""
    return Place(ref, "log", log, seq)


def sealed_op(sealer: Sealer, ref: Ref, op: AnyOp) -> AnyOp:
    """Return an operation with its values sealed; an Append only where numbers do not matter."""
    if isinstance(op, Set) and not is_open(op.map):
        items = {
            name: sealer.seal(field_place(ref, op.map, name), value)
            for name, value in op.items.items()
        }
        return replace(op, items=items)
    if isinstance(op, Append):
        place = item_place(ref, op.log, None)
        return replace(op, items=tuple(sealer.seal(place, value) for value in op.items))
    if isinstance(op, Restore):
        items = tuple(
            replace(item, value=sealer.seal(item_place(ref, op.log, item.seq), item.value))
            for item in op.items
        )
        return replace(op, items=items)
    return op


def opened(
    sealer: Sealer, ref: Ref, ops: tuple[AnyOp, ...], results: tuple[AnyResult, ...]
) -> tuple[AnyResult, ...]:
    """Return results with their values opened; CodecError names the place of one that cannot be."""
    # the reply to a repeated request may be that to a batch which did more or less
    return tuple(_opened(sealer, ref, op, r) for op, r in zip(ops, results, strict=False))


def _opened(sealer: Sealer, ref: Ref, op: AnyOp, result: AnyResult) -> AnyResult:
    if isinstance(result, Fields) and isinstance(op, Get):
        fields = opened_fields(sealer, ref, op.map, result.fields, values=op.values)
        return Fields(fields, _linked(sealer, ref, op.refs, result.linked))
    if isinstance(result, Items) and isinstance(op, Read):
        items = tuple(_item(sealer, ref, op, item) for item in result.items)
        weight = max(0, result.bytes - result.count * sealer.overhead)
        linked = _linked(sealer, ref, op.refs, result.linked)
        return Items(items, result.head, result.count, weight, linked)
    if isinstance(result, EntityInfo):
        return opened_info(sealer, result)
    return result


def opened_fields(
    sealer: Sealer, ref: Ref, map_: str, fields: dict[str, Field], *, values: bool = True
) -> dict[str, Field]:
    """Return fields of a map with their values opened; without `values` the engine left them out."""
    if is_open(map_):
        return fields
    return {
        name: _field(sealer, field_place(ref, map_, name), field, values=values)
        for name, field in fields.items()
    }


def _linked(
    sealer: Sealer, ref: Ref, map_: str | None, fields: dict[str, Field]
) -> dict[str, Field]:
    return fields if map_ is None else opened_fields(sealer, ref, map_, fields)


def _field(sealer: Sealer, place: Place, field: Field, *, values: bool) -> Field:
    if values or field.value:
        value = sealer.open(place, field.value)
        size = len(value)
    else:
        value, size = b"", max(0, field.size - sealer.overhead)
    return Field(value, field.revision, field.window, field.end, field.refs, size)


def _item(sealer: Sealer, ref: Ref, op: Read, item: Item) -> Item:
    if op.values or item.value:
        value, size = sealer.open(item_place(ref, op.log, item.seq), item.value), item.size
    else:
        value, size = b"", max(0, item.size - sealer.overhead)
    return Item(item.seq, value, item.id, item.refs, item.at, size)


def opened_info(sealer: Sealer, info: EntityInfo) -> EntityInfo:
    """Return what is known of an entity, its bytes without what sealing adds."""
    weight = info.bytes - sealer.overhead * (info.fields + info.items)
    return replace(info, bytes=max(0, weight))


def opened_page(sealer: Sealer, page: Page) -> Page:
    """Return a page of a listing, its bytes without what sealing adds."""
    items = tuple(Listed(one.ref, opened_info(sealer, one.info)) for one in page.items)
    return Page(items, page.cursor)
