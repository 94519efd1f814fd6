"""Stored values sealed anew, in their place: the pure half of a key rotation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from threadkeep.errors import CodecError
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.model.sealing import Sealer
from threadkeep.ops.ops import Item, Same, Set
from threadkeep.ops.reply import Field
from threadkeep.ops.sealed import field_place, item_place

K = TypeVar("K")
PORTION_BYTES: Final = 1 << 20
PORTION_COUNT: Final = 100


class Rotated(msgspec.Struct, frozen=True):
    """How far a rotation is: entities seen, fields and items sealed anew, values left as they are.

    `unreadable`: places of values that no key of the ring opens; they were left alone. `cursor`
    continues after this point with `after=`; None: all is done.
    """

    entities: int = 0
    fields: int = 0
    items: int = 0
    current: int = 0
    unreadable: tuple[str, ...] = ()
    cursor: str | None = None


class Renewed(msgspec.Struct):
    """What is to be written of a portion, and what is not."""

    sets: list[Set] = []
    guards: list[Same] = []
    items: list[Item] = []
    current: int = 0
    unreadable: list[str] = []


def renewed_fields(sealer: Sealer, ref: Ref, map_: str, fields: dict[str, Field]) -> Renewed:
    """Return writes that leave values, leases and links as they are, each guarded by its revision."""
    found = Renewed()
    for name, field in fields.items():
        place = field_place(ref, map_, name)
        if sealer.is_current(field.value):
            found.current += 1
            continue
        try:
            value = sealer.seal(place, sealer.open(place, field.value))
        except CodecError:
            found.unreadable.append(str(place))
            continue
        refs = {name: field.refs} if field.refs else None
        found.sets.append(Set(map_, {name: value}, Lease(field.window, field.end), refs=refs))
        found.guards.append(Same(map_, name, field.revision))
    return found


def renewed_items(sealer: Sealer, ref: Ref, log: str, items: Iterable[Item]) -> Renewed:
    """Return items that differ in their sealing alone."""
    found = Renewed()
    for item in items:
        place = item_place(ref, log, item.seq)
        if sealer.is_current(item.value):
            found.current += 1
            continue
        try:
            value = sealer.seal(place, sealer.open(place, item.value))
        except CodecError:
            found.unreadable.append(str(place))
            continue
        found.items.append(replace(item, value=value, size=0))
    return found


def portions(sizes: Iterable[tuple[K, int]]) -> Iterator[list[K]]:
    """Yield keys in order, so many at once that they weigh about PORTION_BYTES, one at least."""
    portion: list[K] = []
    weight = 0
    for key, size in sizes:
        if portion and (weight + size > PORTION_BYTES or len(portion) >= PORTION_COUNT):
            yield portion
            portion, weight = [], 0
        portion.append(key)
        weight += size
    if portion:
        yield portion
