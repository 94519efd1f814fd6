"""Lifetimes as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from threadkeep.errors import UsageError
from threadkeep.model.leases import FOREVER, Lease, Sliding

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)([wdhms]?)")


def lease_from(text: str) -> Lease:
    """Return the lease of `300`, `5m`, `1h30m`, `30d` or `forever`. UsageError for anything else."""
    if text == "forever":
        return FOREVER
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    whole = "".join(number + unit for number, unit in parts)
    if not parts or whole != text or (len(parts) > 1 and not all(units)):
        raise UsageError(
            f"--ttl is {text!r}; write seconds (300), a number with s, m, h, d or w (5m, 30d), or forever"
        )
    return Sliding(sum(float(number) * _UNITS.get(unit, 1) for number, unit in parts))


def spell(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = int(seconds)
    if whole < 1:
        return "0s" if seconds <= 0 else "<1s"
    sizes = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
    first = next(i for i, (_, size) in enumerate(sizes) if whole >= size)
    parts: list[str] = []
    for unit, size in sizes[first : first + 2]:
        number, whole = divmod(whole, size)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts)


def lease_name(lease: Lease) -> str:
    """Return what kind of lease it is: its window where it slides."""
    if lease.seconds is not None:
        return f"sliding {spell(lease.seconds)}"
    return "forever" if lease.end is None else "fixed end"


def remaining(end: datetime | None, now: datetime | None = None) -> float | None:
    """Return the seconds until an end, at least 0; None when there is none."""
    if end is None:
        return None
    return max(0.0, (end - (now or datetime.now(UTC))).total_seconds())


def left(end: datetime | None) -> str:
    """Return the remaining lifetime for people."""
    seconds = remaining(end)
    return "never" if seconds is None else spell(seconds)


def stamp(at: datetime) -> str:
    """Return a time for people, UTC to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
