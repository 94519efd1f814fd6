"""The leases that fields have where a call names none, by kind of entity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from threadkeep.errors import UsageError
from threadkeep.model.leases import FOREVER, SECOND, Lease, lease_of
from threadkeep.model.refs import KINDS, Kind

CACHED: Final = 3_600 * SECOND
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
