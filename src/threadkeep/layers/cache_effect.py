"""What to do about a tool's ttl, by what its cache brought.

lookups under 20                        keep      too few to tell
hit rate at least 0.8, ttl under 1 h    raise     what is asked again and again may live longer
hit rate at least 0.4                   keep
hit rate at least 0.05                  lower     most entries are never asked for again
hit rate under 0.05                     disable   it costs more than it brings
"""

from __future__ import annotations

from collections.abc import Callable

from threadkeep.model.caches import Advice, CacheCounts, CacheStats, ToolEffectiveness
from threadkeep.model.leases import Lease

ENOUGH = 20
LONG = 3_600


def effectiveness(stats: CacheStats, lease_of: Callable[[str], Lease]) -> list[ToolEffectiveness]:
    """Return the advice for each tool that was asked for, the one that saves most first."""
    found = [
        _judged(tool, counts, lease_of(tool).seconds)
        for tool, counts in stats.by_name.items()
        if counts.lookups
    ]
    return sorted(found, key=lambda one: (-one.saved_micros, one.tool))


def _judged(tool: str, counts: CacheCounts, ttl: float | None) -> ToolEffectiveness:
    advice, reason = _advice(counts, ttl)
    return ToolEffectiveness(
        tool, counts.lookups, counts.hit_rate, counts.saved_micros, ttl, advice, reason
    )


def _advice(counts: CacheCounts, ttl: float | None) -> tuple[Advice, str]:
    rate = counts.hit_rate
    if counts.lookups < ENOUGH:
        return "keep", f"{counts.lookups} lookups are too few to tell"
    if rate >= 0.8 and ttl is not None and ttl < LONG:
        return "raise", "nearly all lookups hit, and the ttl is under an hour"
    if rate >= 0.4:
        return "keep", "it hits often enough"
    if rate >= 0.05:
        return "lower", "most entries are never asked for again"
    return "disable", "it hardly ever hits"
