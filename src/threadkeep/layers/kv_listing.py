"""Keys and namespaces in pages, in order; where a page ends is said by name, so a listing can begin anywhere."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from threadkeep.errors import UsageError
from threadkeep.layers.kv import KIND, SPACE
from threadkeep.model.kv import Found, KvMatch, KvStats
from threadkeep.model.leases import moment
from threadkeep.model.refs import check_name
from threadkeep.ops.engine import Listed, Query

_decoder = msgspec.msgpack.Decoder(tuple[str, str])


def pack(listing: str, last: str) -> str:
    """Return the cursor for the place after the name `last`; `listing` tells one listing from another."""
    raw = msgspec.msgpack.encode((listing, last))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpack(listing: str, cursor: str | None) -> str | None:
    """Return the name that a cursor stands after; UsageError when it is none, or one of another listing."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of, last = _decoder.decode(raw)
    except (binascii.Error, ValueError, TypeError, msgspec.MsgspecError):
        raise UsageError("cursor is not one that a listing returned") from None
    if of != listing:
        raise UsageError("cursor belongs to another listing")
    return check_name(last, "the name in the cursor")


def keys(namespace: str, base: str, prefix: str | None, after: str | None, limit: int) -> Query:
    """Return the listing of keys that begin with `prefix`, above `after`.

    `base` is the prefix of the key-value namespace; `namespace` the store's own.
    """
    above = after or ("" if not prefix else None)  # the empty key is none
    return Query(
        namespace=namespace,
        kind=KIND,
        order="id",
        prefix=base + (prefix or ""),
        after=None if above is None else base + above,
        limit=limit,
    )


def next_namespace(namespace: str, prefix: str | None, after: str | None) -> Query:
    """Return the listing whose first entity tells the next key-value namespace above `after`."""
    return Query(
        namespace=namespace,
        kind=KIND,
        order="id",
        prefix=prefix.replace(" ", SPACE) if prefix else None,
        after=None
        if after is None
        else after.replace(" ", SPACE) + SPACE,  # above `after` + END + any
        limit=1,
    )


def as_match(found: Found, listed: Listed) -> KvMatch:
    """Return a hit of a search."""
    facts = msgspec.structs.asdict(found)
    return KvMatch(
        **facts,
        created_at=moment(listed.info.created),
        updated_at=moment(listed.info.updated),
    )


def holds(value: object, keyword: str) -> bool:
    """Tell whether a text in a value holds the keyword, which is casefolded already."""
    if isinstance(value, str):
        return keyword in value.casefold()
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return any(holds(key, keyword) or holds(one, keyword) for key, one in pairs)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(holds(one, keyword) for one in cast("Iterable[object]", value))
    return False


class Tally:
    """Adds up what a namespace holds."""

    def __init__(self) -> None:
        self._count = 0
        self._bytes = 0
        self._first: int | None = None
        self._last: int | None = None

    def add(self, listed: Listed) -> None:
        """Take a key in."""
        info = listed.info
        self._count += 1
        self._bytes += info.bytes
        self._first = info.created if self._first is None else min(self._first, info.created)
        self._last = info.updated if self._last is None else max(self._last, info.updated)

    @property
    def stats(self) -> KvStats:
        """Return the sum."""
        first = None if self._first is None else moment(self._first)
        return KvStats(
            count=self._count,
            bytes=self._bytes,
            first_used_at=first,
            last_used_at=None if self._last is None else moment(self._last),
        )
