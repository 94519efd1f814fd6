"""From what a call returned to what is stored of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from threadkeep._async.caches.entries import AsyncEntries, Place
from threadkeep.errors import TooLarge
from threadkeep.layers import cache_entries
from threadkeep.layers.cache_entries import Content
from threadkeep.model.leases import Lease


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a result is kept: its content, what refuses it, its leases (`stale_for` in microseconds)."""

    content: Callable[[Any], Content]
    refused: Callable[[Any], bool]
    accept: Callable[[Any], bool] | None = None
    lease: Lease | None = None
    stale_for: int = 0
    negative: Lease | None = None
    type: Any = None


class Brought(msgspec.Struct, frozen=True):
    """A result as every caller gets it. `data`: its stored form, None where nobody else may have it.

    `lease` None: it is not kept.
    """

    value: Any
    data: bytes | None = None
    lease: Lease | None = None
    stale_for: int = 0


async def bring(
    entries: AsyncEntries, place: Place, value: Any, terms: Terms, *, keep: bool = True
) -> Brought:
    """Return a result as a hit would return it, with what is to be stored of it."""
    lease = terms.negative
    if value is not None:
        lease = await entries.lease(place.name, terms.lease) if keep else None
    stale_for = terms.stale_for if lease is not None and lease.window is not None else 0
    content = msgspec.structs.replace(terms.content(value), stale=stale_for)
    try:
        data = entries.pack(content)
    except TooLarge as error:
        entries.failed(place.name, error)
        return Brought(value)
    response = cache_entries.unpack(data, terms.type).response
    plain = response if terms.type is None else cache_entries.unpack(data).response
    if not _accepted(entries, value, plain, terms):
        return Brought(response)
    return Brought(response, data, lease, stale_for)


async def store_result(entries: AsyncEntries, place: Place, value: Any, terms: Terms) -> str | None:
    """Store a result that the caller has and return its key; None when it was not kept."""
    data = entries.pack(terms.content(value))
    if not _accepted(entries, value, cache_entries.unpack(data).response, terms):
        return None
    lease = await entries.lease(place.name, terms.lease)
    kept = lease is not None and await entries.put(place, data, lease)
    return place.key if kept else None


def _accepted(entries: AsyncEntries, value: Any, plain: Any, terms: Terms) -> bool:
    asked = (terms.accept, entries.options.accept)
    return not terms.refused(plain) and all(accept is None or accept(value) for accept in asked)
