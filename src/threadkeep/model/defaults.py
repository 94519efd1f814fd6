"""What a store does where nothing is named: the leases of fields by kind, the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from threadkeep.errors import UsageError
from threadkeep.model.leases import FOREVER, SECOND, Lease, lease_of
from threadkeep.model.refs import KINDS, Kind

CACHED: Final = 3_600 * SECOND
Clock = Callable[[], float]
Given = float | timedelta | Lease | None


def default_leases(ttl: Given | Mapping[Kind, Given]) -> dict[str, Lease]:
    """Return the default lease of each kind that has one; `ttl` is that of threads, or a mapping by kind.

    UsageError for an unknown kind.
    """
    usual = {"tool": Lease(CACHED), "llm": Lease(CACHED)}
    if not isinstance(ttl, Mapping):
        return usual if ttl is None else usual | {"thread": lease_of(ttl, None, FOREVER)}
    for kind in ttl:
        if kind not in KINDS:
            raise UsageError(f"ttl names the unknown kind {kind!r}; use {', '.join(sorted(KINDS))}")
    return usual | {kind: lease_of(value, None, FOREVER) for kind, value in ttl.items()}


def micros_of(clock: Clock | None) -> Callable[[], int]:
    """Return a clock in microseconds since 1970: the given one in seconds, else the system's."""
    if clock is None:
        return lambda: time.time_ns() // 1000
    return lambda: round(clock() * SECOND)
