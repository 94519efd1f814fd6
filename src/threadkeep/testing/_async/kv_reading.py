"""Short forms of what tests read of key-value namespaces."""

from __future__ import annotations

from typing import Any

from threadkeep._async.kv import AsyncKv
from threadkeep.model.kv import Found


async def found(kv: AsyncKv, key: str, **options: Any) -> Found:
    """Return what stands at a key that must stand."""
    one = await kv.get(key, **options)
    assert one is not None, f"{key!r} does not stand"
    return one


async def names(listing: Any) -> list[str]:
    """Return all of a listing."""
    return [name async for name in listing]


async def pages(listing: Any) -> list[tuple[Any, ...]]:
    """Return the pages of a listing."""
    page = await listing.page()
    read = [page.items]
    while page.cursor is not None:
        page = await listing.page(page.cursor)
        read.append(page.items)
    return read
