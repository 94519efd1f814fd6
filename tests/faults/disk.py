"""A disk that may lose whatever was not synced, as a pure model of one flat directory.

Modelled:
- Bytes and size of a file become durable at fsync or fdatasync of that file.
- A name (created, renamed, removed) becomes durable at fsync of the directory and never through
  fsync of the file. That is what POSIX promises; ext4 and XFS keep a little more.
- `Cut.DROP` loses everything that was not synced.
- `Cut.SCATTER` keeps an arbitrary part of it: each dirty 4 KiB page stands as one of the writes
  since the last sync left it, or as none did, whatever the other pages do; a quarter of the dirty
  pages are torn between two such states at 512-byte sectors; the size is that of a random moment
  (bytes that did not arrive read as zero); of the directory's changes a random first part stays.

Not modelled: sectors that are lost although they were synced, damage to bytes that nobody wrote,
hard links, more than one directory. A resize is never undone halfway: pages written before it do
not mix with pages written after it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from random import Random

PAGE = 4096
SECTOR = 512
TORN_SHARE = 0.25


class Cut(enum.Enum):
    """What a power cut leaves of the bytes that were not synced."""

    DROP = "drop"
    SCATTER = "scatter"


@dataclass(frozen=True)
class Write:
    offset: int
    data: bytes

    def pages(self) -> range:
        return range(self.offset // PAGE, (self.offset + len(self.data) + PAGE - 1) // PAGE)


@dataclass(frozen=True)
class Resize:
    size: int


Change = Write | Resize


def apply(image: bytearray, change: Change) -> None:
    """Carry out one change on the bytes of a file."""
    if isinstance(change, Resize):
        _resize(image, change.size)
        return
    end = change.offset + len(change.data)
    if end > len(image):
        _resize(image, end)
    image[change.offset : end] = change.data


@dataclass
class File:
    """One file: what a power cut cannot take, what programs see, and the changes between."""

    durable: bytearray = field(default_factory=bytearray)
    current: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list[Change])
    changes: int = 0  # ever made

    @classmethod
    def holding(cls, content: bytes) -> File:
        return cls(bytearray(content), bytearray(content))

    def change(self, change: Change) -> None:
        apply(self.current, change)
        self.pending.append(change)
        self.changes += 1

    def sync(self, until: int | None = None) -> None:
        """Make all changes durable, or the first `until` that were ever made."""
        later = 0 if until is None else self.changes - until
        covered = max(0, len(self.pending) - later)
        for change in self.pending[:covered]:
            apply(self.durable, change)
        del self.pending[:covered]

    def fail_to_sync(self) -> None:
        """Lose the changes since the last sync for good, as Linux does after a failed write-back.

        Programs still see them, and later syncs succeed without making them durable.
        """
        self.pending.clear()

    def after(self, cut: Cut, random: Random) -> bytes:
        """The bytes that one power cut leaves."""
        if cut is Cut.DROP or not self.pending:
            return bytes(self.durable)
        return _scatter(self.durable, self.pending, random)


class Disk:
    """A flat directory of files; every method is one request of a file system."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.names: dict[str, File] = {n: File.holding(c) for n, c in (files or {}).items()}
        self._durable_names = dict(self.names)
        self._later_names: list[dict[str, File]] = []

    def create(self, name: str) -> File:
        file = self.names[name] = File()
        self._names_changed()
        return file

    def unlink(self, name: str) -> None:
        del self.names[name]
        self._names_changed()

    def rename(self, old: str, new: str) -> None:
        self.names[new] = self.names.pop(old)
        self._names_changed()

    def sync_names(self) -> None:
        self._durable_names = dict(self.names)
        self._later_names.clear()

    def after(self, cut: Cut, random: Random) -> dict[str, bytes]:
        """The directory that one power cut leaves; the disk itself is not changed."""
        names = self._durable_names
        if cut is Cut.SCATTER:
            names = random.choice([names, *self._later_names])
        return {name: file.after(cut, random) for name, file in sorted(names.items())}

    def _names_changed(self) -> None:
        self._later_names.append(dict(self.names))


def _resize(image: bytearray, size: int) -> None:
    if size < len(image):
        del image[size:]
    else:
        image.extend(bytes(size - len(image)))


def _scatter(durable: bytearray, pending: list[Change], random: Random) -> bytes:
    moment = random.randint(0, len(pending))  # the size is the one of this moment
    first, last = _between_resizes(pending, moment)
    image = bytearray(durable)
    for change in pending[:first]:
        apply(image, change)
    size = len(image)
    states = _page_states(image, pending[first:last])
    for change in pending[first:moment]:
        if isinstance(change, Write):
            size = max(size, change.offset + len(change.data))
    result = bytearray(image)
    for page, contents in sorted(states.items()):
        apply(result, Write(page * PAGE, _surviving_page(contents, random)))
    _resize(result, size)
    return bytes(result)


def _between_resizes(pending: list[Change], moment: int) -> tuple[int, int]:
    resizes = [i for i, change in enumerate(pending) if isinstance(change, Resize)]
    first = max((i + 1 for i in resizes if i < moment), default=0)
    last = min((i for i in resizes if i >= moment), default=len(pending))
    return first, last


def _page_states(base: bytearray, changes: list[Change]) -> dict[int, list[bytes]]:
    """Each touched page with its contents before the changes and after each change that hit it."""
    image = bytearray(base)
    states: dict[int, list[bytes]] = {}
    for change in changes:
        if not isinstance(change, Write):
            continue
        for page in change.pages():
            states.setdefault(page, [_page(image, page)])
        apply(image, change)
        for page in change.pages():
            states[page].append(_page(image, page))
    return states


def _page(image: bytearray, page: int) -> bytes:
    return bytes(image[page * PAGE : (page + 1) * PAGE]).ljust(PAGE, b"\0")


def _surviving_page(states: list[bytes], random: Random) -> bytes:
    one = random.choice(states)
    if random.random() >= TORN_SHARE:
        return one
    other = random.choice(states)
    sectors = range(0, PAGE, SECTOR)
    return b"".join(random.choice((one, other))[at : at + SECTOR] for at in sectors)
