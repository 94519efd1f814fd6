"""What the facades return: plain records of things that stand in a store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from threadkeep.model.leases import Lease, moment


class Entry(msgspec.Struct, frozen=True):
    """A field with what is known of it; `expires_at` None means that it has no end."""

    value: Any
    revision: int
    lease: Lease
    expires_at: datetime | None


class Message(msgspec.Struct, frozen=True):
    """A message of a thread: its number, its content, its id if it has one.

    `at` is the engine's time of the append in microseconds since 1970; `created_at` the same as a datetime.
    """

    seq: int
    value: Any
    id: str | None
    at: int

    @property
    def created_at(self) -> datetime:
        """Return when it was appended."""
        return moment(self.at)


class Appended(msgspec.Struct, frozen=True):
    """What an append did: the number of each message, and the ids that stood already and were skipped."""

    seqs: tuple[int, ...]
    skipped: tuple[str, ...]
    revision: int

    @property
    def added(self) -> int:
        """Return how many messages are new."""
        return len(self.seqs) - len(self.skipped)


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot: its revision, when it was saved, its size in bytes, and its data where asked for."""

    revision: int
    created_at: datetime
    bytes: int
    data: Any = None


class ThreadInfo(msgspec.Struct, frozen=True):
    """What is known of a thread (or a user's or the app's entity) without its content.

    `lease` is the thread's own; `messages` is None in listings, where it would cost a trip each.
    """

    id: str
    namespace: str
    created_at: datetime
    updated_at: datetime
    revision: int
    epoch: str
    labels: dict[str, str]
    lease: Lease
    expires_at: datetime | None
    fields: int
    items: int
    bytes: int
    messages: int | None = None


class Change(msgspec.Struct, frozen=True):
    """A change that a watcher is told of; `exists` is False when nothing stands any more."""

    revision: int
    exists: bool


class Swept(msgspec.Struct, frozen=True):
    """What a sweep did: threads whose end was handled, and those whose handlers failed."""

    expired: int
    failed: int
