"""What the key-value facades return."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from threadkeep.model.leases import Lease

T = TypeVar("T")


class Found(msgspec.Struct, frozen=True):
    """The value of a key with what is known of it; `bytes` is the size of its stored form.

    `revision` is for `if_revision`. `expires_at` None means that it has no end.
    """

    key: str
    value: Any
    content_type: str
    bytes: int
    revision: int
    lease: Lease
    expires_at: datetime | None


class KvMatch(Found, frozen=True):
    """A hit of a search: as Found, with when the key was first and last written."""

    created_at: datetime
    updated_at: datetime


class KvStats(msgspec.Struct, frozen=True):
    """What a key-value namespace holds: keys, bytes of their stored values, first and last write among them."""

    count: int
    bytes: int
    first_used_at: datetime | None
    last_used_at: datetime | None


class KvDefaults(msgspec.Struct, frozen=True):
    """What holds for a key-value namespace; `lease` None: the store's default for the kind `kv`.

    `sliding` False: no read renews a value, so each ends when the ttl it was written with is over.
    """

    lease: Lease | None = None
    sliding: bool = True


class KvPage(msgspec.Struct, Generic[T], frozen=True):
    """A page of keys, matches or namespaces; `cursor` None means that it was the last one."""

    items: tuple[T, ...]
    cursor: str | None
