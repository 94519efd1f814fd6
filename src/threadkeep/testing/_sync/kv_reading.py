# Generated from src/threadkeep/testing/_async/kv_reading.py by scripts/unasync. Do not edit.
"""Short forms of what tests read of key-value namespaces."""

from __future__ import annotations

from typing import Any

from threadkeep._sync.kv import Kv
from threadkeep.model.kv import Found


def found(kv: Kv, key: str, **options: Any) -> Found:
    """Return what stands at a key that must stand."""
    one = kv.get(key, **options)
    assert one is not None, f"{key!r} does not stand"
    return one


def names(listing: Any) -> list[str]:
    """Return all of a listing."""
    return [name for name in listing]


def pages(listing: Any) -> list[tuple[Any, ...]]:
    """Return the pages of a listing."""
    page = listing.page()
    read = [page.items]
    while page.cursor is not None:
        page = listing.page(page.cursor)
        read.append(page.items)
    return read
