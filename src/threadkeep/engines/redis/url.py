"""The options of a URL that say where the keys lie: `prefix`, `shards`, `layout` and its `name`."""

from __future__ import annotations

import re
from typing import Final, TypedDict

from threadkeep.engines.redis.keyed.names import Keyed
from threadkeep.errors import UsageError
from threadkeep.model.urls import StoreUrl

OWN_OPTIONS: Final = frozenset({"prefix", "shards", "layout", "name"})
MOST_SHARDS: Final = 1024


class Spread(TypedDict):
    """What keys begin with, and over how many slots a namespace is spread (None: as the server needs)."""

    prefix: str
    shards: int | None


def places_of(url: StoreUrl) -> Spread:
    """Return what a URL says of it. Raises UsageError."""
    prefix, shards = url.options.get("prefix", "tk"), url.options.get("shards")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", prefix):
        raise UsageError(f"prefix={prefix!r} must be 1 to 64 letters, digits, dots, - and _")
    if shards is None:
        return Spread(prefix=prefix, shards=None)
    if not shards.isascii() or not shards.isdigit() or not 1 <= int(shards) <= MOST_SHARDS:
        raise UsageError(f"shards={shards!r} must be a number from 1 to {MOST_SHARDS}")
    return Spread(prefix=prefix, shards=int(shards))


def keyed_of(layout: str | None, name: str | None) -> Keyed | None:
    """Return the layout that the options `layout` and `name` mean; None for threadkeep's own. Raises UsageError."""
    if layout not in {None, "keys"}:
        raise UsageError(f"layout={layout!r} is unknown; write layout=keys, or leave it out")
    if layout is None:
        if name is not None:
            raise UsageError(f"name={name!r} goes with layout=keys; write both, or leave it out")
        return None
    return Keyed() if name is None else Keyed(name)
