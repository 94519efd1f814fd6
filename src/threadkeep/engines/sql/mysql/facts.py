"""What is known of one entity: what was read of it, and what the batches of a group have made of that."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import msgspec

from threadkeep.engines.view import LogRow, Row
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

ENDLESS = 1 << 62
Tops = dict[tuple[str, str], int]  # the highest place in listings by namespace and kind


class LogFacts:
    """A log: which items are known, and between which numbers nothing else stands.

    `covered` are spans (low, high) of numbers of which everything is known; all above `head` as read is.
    """

    def __init__(self, head: int, count: int, size: int) -> None:
        self.head = head
        self.count, self.bytes = count, size
        self.items: dict[int, Item] = {}
        self.seqs: list[int] = []
        self.ids: dict[str, int | None] = {}
        self.absent: set[int] = set()
        self.sums: dict[int, tuple[int, int]] = {}  # of the items below a number, as read
        self.covered: list[tuple[int, int]] = [(head + 1, ENDLESS)]

    def learn(self, item: Item) -> None:
        """Note an item as it was read."""
        old = self.items.get(item.seq)
        if old is None:
            insort(self.seqs, item.seq)
        if old is None or not weighed(old):
            self.items[item.seq] = item
        if item.id is not None:
            self.ids[item.id] = item.seq

    def cover(self, low: int, high: int) -> None:
        """Note that of these numbers everything is known."""
        self.covered.append((low, high))

    def knows(self, low: int, high: int) -> bool:
        """Tell whether everything from `low` to `high` is known."""
        at = max(low, 1)
        for first, last in sorted(self.covered):
            if first <= at <= last:
                at = last + 1
        return at > high

    def within(self, low: int, high: int) -> list[int]:
        """Return the known numbers from `low` to `high`."""
        return self.seqs[bisect_left(self.seqs, low) : bisect_right(self.seqs, high)]

    def put(self, item: Item) -> None:
        """Let an item stand, in place of another where one does."""
        old = self.items.get(item.seq)
        if old is None:
            insort(self.seqs, item.seq)
        elif old.id is not None:
            self.ids[old.id] = None
        self.count += old is None
        self.bytes += len(item.value) - (0 if old is None else size_of(old))
        self.items[item.seq] = item
        if item.id is not None:
            self.ids[item.id] = item.seq

    def cut(self, low: int, high: int) -> None:
        """Let the items from `low` to `high` go, known or not."""
        for seq in self.within(low, high):
            item = self.items.pop(seq)
            if item.id is not None:
                self.ids[item.id] = None
        self.seqs = (
            self.seqs[: bisect_left(self.seqs, low)] + self.seqs[bisect_right(self.seqs, high) :]
        )
        self.cover(low, high)


def weighed(item: Item) -> bool:
    """Tell whether an item's value is there, not its size alone."""
    return not item.size


def size_of(item: Item) -> int:
    """Return the bytes of an item's value."""
    return item.size or len(item.value)


class Facts(msgspec.Struct):
    """One entity. `row` None: none stands, and then everything of it is known.

    `fields` by map and name, None where none stands; `whole` names the prefixes of maps that were read whole;
    `ends` are sizes and ends of all fields that have one (None: not read); `seldom` holds the columns of the row that
    most writes leave alone, as they were read.
    """

    eid: int = 0
    row: Row | None = None
    seldom: dict[str, object] = {}
    fields: dict[str, dict[str, Field | None]] = {}
    whole: set[tuple[str, str]] = set()
    counts: dict[str, int] = {}
    heads: dict[str, LogRow] = {}
    logs: dict[str, LogFacts] = {}
    tombstones: dict[str, int] = {}
    ends: dict[tuple[str, str], tuple[int, int]] | None = None

    def log(self, name: str) -> LogFacts:
        """Return what is known of a log."""
        known = self.logs.get(name)
        if known is None:
            head = self.heads.get(name) or LogRow()
            known = self.logs[name] = LogFacts(head.head, head.count, head.bytes)
        return known
