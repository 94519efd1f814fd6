"""What a batch answers: one result per operation."""

from __future__ import annotations

import msgspec

from threadkeep.ops.ops import Item


class Field(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A field as it stands: `window` and `end` are its lease in microseconds, `size` its value's bytes."""

    value: bytes
    revision: int
    window: int | None = None
    end: int | None = None
    refs: tuple[str, ...] = ()
    size: int = 0


class Result(msgspec.Struct, frozen=True, gc=False, tag=True, omit_defaults=True):
    """Base of all results."""


class Fields(Result, frozen=True, tag="fields", omit_defaults=True):
    """Of Get: the fields that stand, by name, and those they link to."""

    fields: dict[str, Field]
    linked: dict[str, Field] = {}


class Items(Result, frozen=True, tag="items", omit_defaults=True):
    """Of Read: items in order, the last number given, how many stand, their bytes, and the fields they link to."""

    items: tuple[Item, ...] = ()
    head: int = 0
    count: int = 0
    bytes: int = 0
    linked: dict[str, Field] = {}


class EntityInfo(Result, frozen=True, tag="info", omit_defaults=True):
    """Of Info: times and lease in microseconds; fields, log items and their bytes as the engine counts them."""

    created: int
    updated: int
    revision: int
    epoch: str
    window: int | None = None
    end: int | None = None
    labels: dict[str, str] = {}
    fields: int = 0
    items: int = 0
    bytes: int = 0
    logs: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()


class Moment(Result, frozen=True, tag="moment"):
    """Of Now: the entity's time, microseconds since 1970."""

    at: int


class Nothing(Result, frozen=True, tag="nothing"):
    """Of Info on an entity that does not exist."""


class Names(Result, frozen=True, tag="names"):
    """Of Set: the fields skipped because they stand. Of Del: the fields removed."""

    names: tuple[str, ...]


class Number(Result, frozen=True, tag="number"):
    """Of Incr: the new number."""

    value: int | float


class Appended(Result, frozen=True, tag="appended", omit_defaults=True):
    """Of Append: the number of each item (of the standing one where skipped) and the ids skipped."""

    seqs: tuple[int, ...]
    skipped: tuple[str, ...] = ()


class Count(Result, frozen=True, tag="count"):
    """Of Cut, Touch, Drop and Restore: how many items or fields it concerned."""

    count: int


class Labels(Result, frozen=True, tag="labels"):
    """Of Label: all labels after it."""

    labels: dict[str, str]


AnyResult = (
    Fields | Items | EntityInfo | Moment | Nothing | Names | Number | Appended | Count | Labels
)


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a batch.

    `ok` is False when guard number `failed` did not hold (then `results` are those of `otherwise`) or
    when the entity's lease has run out (`expired`) and the batch writes; nothing was written then.
    `revision` 0 and `epoch` "" mean that no entity stands. `changed`: this batch raised the revision.
    `repeated`: a batch with this `once` id had its effect before, and these are its results.
    """

    ok: bool
    results: tuple[AnyResult, ...]
    revision: int = 0
    epoch: str = ""
    failed: int | None = None
    expired: bool = False
    changed: bool = False
    repeated: bool = False
