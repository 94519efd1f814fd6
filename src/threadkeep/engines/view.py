"""What the reference semantics sees of one entity: a small View that each engine provides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from threadkeep.model.ids import new_epoch
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

HIDDEN = "#"  # maps whose names begin so belong to threadkeep: not counted, listed or exported


class Row(msgspec.Struct, kw_only=True):
    """The entity itself. Times are microseconds.

    `due` is a lower bound of every end in it (None: nothing ends); `listed` is its place in listings,
    moved at most once a minute, `prior` the place before that.
    """

    created: int
    updated: int
    listed: int = 0
    prior: int = 0
    revision: int = 0
    epoch: str = msgspec.field(default_factory=new_epoch)
    window: int | None = None
    end: int | None = None
    due: int | None = None
    labels: dict[str, str] = {}
    fields: int = 0
    field_bytes: int = 0
    items: int = 0
    item_bytes: int = 0


class LogRow(msgspec.Struct):
    """A log: the last number given, how many items stand, their bytes."""

    head: int = 0
    count: int = 0
    bytes: int = 0


class View(Protocol):
    """One entity in one engine, inside one transaction.

    Reads return what is stored, run out or not; `values=False` may leave values empty but sets `size`.
    The caller may change a Row or LogRow it was given; only the put methods store it. A new entity's
    row is put before anything else of it.
    """

    def entity(self) -> Row | None: ...
    def put_entity(self, row: Row) -> None: ...
    def drop(self, until: int | None) -> None:
        """Remove everything; with `until` leave a tombstone of the epoch that stands until then."""
        ...

    def tombstone(self, epoch: str, now: int) -> bool: ...
    def next_listed(self, now: int) -> int:
        """Return a place in listings above all others of the kind, at least `now`."""
        ...

    def fields(self, map: str, names: Iterable[str], values: bool = True) -> dict[str, Field]: ...
    def select(self, map: str, prefix: str | None, values: bool = True) -> dict[str, Field]: ...
    def put_fields(self, map: str, fields: dict[str, Field]) -> None: ...
    def del_fields(self, map: str, names: Iterable[str]) -> None: ...
    def move_ends(self, map: str, ends: dict[str, int]) -> None: ...
    def run_out(self, now: int) -> list[tuple[str, str, int]]:
        """Return (map, name, size) of the fields that have run out."""
        ...

    def first_end(self) -> int | None:
        """Return the earliest end of any field."""
        ...

    def maps(self) -> list[str]: ...
    def logs(self) -> list[str]: ...
    def log(self, log: str) -> LogRow | None: ...
    def put_log(self, log: str, row: LogRow) -> None: ...
    def items(
        self,
        log: str,
        after: int,
        before: int | None,
        limit: int | None,
        newest: bool,
        values: bool = True,
    ) -> list[Item]: ...
    def find(self, log: str, ids: Iterable[str]) -> dict[str, int]: ...
    def at(self, log: str, seqs: Iterable[int]) -> list[Item]: ...
    def put_items(self, log: str, items: Iterable[Item]) -> None: ...
    def cut_items(self, log: str, low: int, high: int) -> tuple[int, int]:
        """Remove the items with low <= seq <= high; return their count and bytes."""
        ...
