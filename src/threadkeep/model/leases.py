"""How long a value lives: `Sliding(seconds)`, `Until(datetime)`, `FOREVER`.

Inside, time is an int of microseconds since 1970 UTC and a lease is a pair (window, end).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from threadkeep.errors import UsageError

SECOND: Final = 1_000_000
GRAIN: Final = 16  # a read renews a sliding lease only after 1/16 of its window
LONGEST: Final = 3_000 * 366 * 86_400  # seconds


class Lease(msgspec.Struct, frozen=True, gc=False):
    """A lease in microseconds: `window` is set for a sliding one, `end` for one that has an end.

    A window without an end starts now; with an end it stands as it is (copies, imports).
    """

    window: int | None = None
    end: int | None = None

    def start(self, now: int) -> tuple[int | None, int | None]:
        """Return (window, end) of a value written at `now`."""
        if self.window is not None and self.end is None:
            return self.window, now + self.window
        return self.window, self.end

    @property
    def seconds(self) -> float | None:
        """Return the window of a sliding lease in seconds, else None."""
        return None if self.window is None else self.window / SECOND


FOREVER: Final = Lease()


def Sliding(seconds: float | timedelta) -> Lease:  # noqa: N802 - reads as the type it makes
    """Return a lease that each read, write or touch renews to `seconds` from then."""
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if isinstance(value, bool) or not isinstance(value, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise UsageError(f"ttl must be seconds or a timedelta, not {type(seconds).__name__}")
    if not math.isfinite(value):
        raise UsageError(f"ttl is {value}; use threadkeep.FOREVER for a value without an end")
    window = round(value * SECOND)
    if window <= 0:
        raise UsageError(f"ttl is {value} seconds; it must be positive (delete the value instead?)")
    if value > LONGEST:
        raise UsageError(
            f"ttl is {value} seconds; use threadkeep.FOREVER for a value without an end"
        )
    return Lease(window=window)


def Until(at: datetime) -> Lease:  # noqa: N802 - reads as the type it makes
    """Return a lease that ends at the aware datetime `at` and is never renewed."""
    return Lease(end=micros(at, "expires_at"))


def lease_of(ttl: object, expires_at: object, default: Lease) -> Lease:
    """Return the lease that the arguments `ttl=` and `expires_at=` of a call mean.

    `ttl`: seconds, a timedelta, FOREVER, or None for `default`. `expires_at`: an aware datetime.
    Raises UsageError when both are given or one makes no sense.
    """
    if ttl is None and expires_at is None:
        return default
    if ttl is not None and expires_at is not None:
        raise UsageError("pass ttl= or expires_at=, not both")
    if expires_at is not None:
        if not isinstance(expires_at, datetime):
            raise UsageError(
                f"expires_at must be an aware datetime, not {type(expires_at).__name__}"
            )
        return Until(expires_at)
    if isinstance(ttl, Lease):
        return ttl
    return Sliding(ttl)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - Sliding refuses other types by name


def micros(at: datetime, what: str = "datetime") -> int:
    """Return an aware datetime as microseconds since 1970 UTC; a naive one is a UsageError."""
    if at.tzinfo is None or at.utcoffset() is None:
        raise UsageError(f"{what} {at.isoformat()} has no time zone; pass an aware datetime")
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def moment(at: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC datetime (the last one a datetime can hold, at most)."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def renewed(window: int | None, end: int | None, now: int) -> int | None:
    """Return the new end of a sliding lease that is read at `now`, or None when it need not move."""
    if window is None or end is None:
        return None
    target = now + window
    return target if (target - end) * GRAIN > window else None
