"""The operations of the engine language: reads, writes and guards, as data.

Values are opaque bytes here; layers encode and decode them. `#` begins the names of maps that the
engine and the leases keep for themselves: they are neither counted nor listed nor exported.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from threadkeep.model.leases import FOREVER, Lease


class Op(msgspec.Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """Base of all operations; `writes` tells reads from writes."""

    writes: ClassVar[bool] = False


class Get(Op, frozen=True, gc=False, tag="get", omit_defaults=True):
    """Read fields of a map: the named ones, those with a prefix, or all.

    `renew` moves each sliding lease to its own window. `values=False` leaves the values out.
    `refs` names a map whose fields that these entries link to come along.
    """

    map: str
    fields: tuple[str, ...] | None = None
    prefix: str | None = None
    renew: bool = True
    refs: str | None = None
    values: bool = True


class Read(Op, frozen=True, gc=False, tag="read", omit_defaults=True):
    """Read items of a log with `after` < seq < `before`, oldest first; `newest` takes the last `limit` of them.

    `ids` takes just the items with these ids. `limit=0` reads head and count alone.
    `values=False` leaves the values out and says their sizes.
    """

    log: str
    after: int = 0
    before: int | None = None
    limit: int | None = None
    newest: bool = False
    refs: str | None = None
    ids: tuple[str, ...] | None = None
    values: bool = True


class Info(Op, frozen=True, gc=False, tag="info"):
    """Read what the engine knows of the entity itself."""


class Now(Op, frozen=True, gc=False, tag="now"):
    """Read the time by which the entity's leases run; there is one also where nothing stands."""


class Write(Op, frozen=True, gc=False, omit_defaults=True):
    """Base of the operations that change the entity."""

    writes: ClassVar[bool] = True


class Set(Write, frozen=True, gc=False, tag="set", omit_defaults=True):
    """Write fields with one lease; `absent_only` skips those that stand and says so.

    `refs` links fields to fields of another map, by name.
    """

    map: str
    items: dict[str, bytes]
    lease: Lease = FOREVER
    absent_only: bool = False
    refs: dict[str, tuple[str, ...]] | None = None


class Del(Write, frozen=True, gc=False, tag="del", omit_defaults=True):
    """Delete fields of a map: the named ones, those with a prefix, or all."""

    map: str
    fields: tuple[str, ...] | None = None
    prefix: str | None = None


class Incr(Write, frozen=True, gc=False, tag="incr", omit_defaults=True):
    """Add to a number; an absent field counts as 0 and takes `lease`.

    A field that stands keeps its own lease, renewed, unless `keep` is False.
    """

    map: str
    field: str
    by: int | float = 1
    lease: Lease = FOREVER
    keep: bool = True


class Append(Write, frozen=True, gc=False, tag="append", omit_defaults=True):
    """Add items at the end of a log; an item whose id stands is skipped and said so."""

    log: str
    items: tuple[bytes, ...]
    ids: tuple[str | None, ...] | None = None
    refs: tuple[tuple[str, ...], ...] | None = None


class Cut(Write, frozen=True, gc=False, tag="cut", omit_defaults=True):
    """Remove items of a log: all but the last `keep`, those with seq < `before`, or the `newest` ones.

    Numbers are never given again.
    """

    log: str
    keep: int | None = None
    before: int | None = None
    newest: int | None = None


class Touch(Write, frozen=True, gc=False, tag="touch", omit_defaults=True):
    """Renew sliding leases: of a map's fields (named or all), or of the entity where `map` is None.

    `lease` gives the entity that lease; with `birth` only when this batch creates it.
    Neither creates an entity nor counts as a change.
    """

    map: str | None = None
    fields: tuple[str, ...] | None = None
    lease: Lease | None = None
    birth: bool = False


class Label(Write, frozen=True, gc=False, tag="label"):
    """Set labels; None removes one."""

    labels: dict[str, str | None]


class Drop(Write, frozen=True, gc=False, tag="drop"):
    """Remove the entity whole and leave a tombstone of its epoch. The only write of its batch."""


class Item(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An item of a log; `at` is the engine's time of the append in microseconds.

    `size` is set where a Read left the value out.
    """

    seq: int
    value: bytes
    id: str | None = None
    refs: tuple[str, ...] = ()
    at: int = 0
    size: int = 0


class Restore(Write, frozen=True, gc=False, tag="restore", omit_defaults=True):
    """Write items of a log at given numbers, replacing what stands there; the head is at least `head`.

    An item whose id stands at another number moves: what stood there goes.
    For copies, imports, forks and re-encryption: numbers, ids and times stay what they were.
    """

    log: str
    items: tuple[Item, ...]
    head: int = 0


class Guard(msgspec.Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """Base of all guards."""


class Missing(Guard, frozen=True, gc=False, tag="missing"):
    """Hold when the field does not stand."""

    map: str
    field: str


class Same(Guard, frozen=True, gc=False, tag="same"):
    """Hold when the field stands with this revision."""

    map: str
    field: str
    revision: int


class Revision(Guard, frozen=True, gc=False, tag="revision"):
    """Hold when the entity has this revision; 0 means that it does not exist."""

    revision: int


class Head(Guard, frozen=True, gc=False, tag="head"):
    """Hold when the last number that the log gave is `seq` (0: none yet)."""

    log: str
    seq: int


class Epoch(Guard, frozen=True, gc=False, tag="epoch"):
    """Hold unless the entity has another epoch or a tombstone of this one stands; an absent entity passes."""

    epoch: str


class Claimed(Guard, frozen=True, gc=False, tag="claimed"):
    """Hold while the claim with this token stands; such a batch sees the expired entity as it was at its end."""

    token: int


AnyOp = Get | Read | Info | Now | Set | Del | Incr | Append | Cut | Touch | Label | Drop | Restore
ReadOp = Get | Read | Info | Now
AnyGuard = Missing | Same | Revision | Head | Epoch | Claimed
