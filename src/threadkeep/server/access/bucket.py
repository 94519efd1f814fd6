"""A token bucket as one moment: when it was empty. Pure; times are microseconds.

It fills at a steady rate from that moment on. To take from it moves the moment forward; one that lies in the
future is a debt, which has to be waited for.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

SECOND: Final = 1_000_000


class Taken(msgspec.Struct, frozen=True):
    """What came of asking a bucket: its new moment, what was given, and the seconds to wait if nothing was."""

    empty_at: int
    given: float
    wait: float


class Bucket(msgspec.Struct, frozen=True):
    """`rate`: tokens a second. `seconds`: how long it fills until it is full, but for one token at least."""

    rate: float
    seconds: float

    @property
    def size(self) -> float:
        """Return how many tokens a full bucket holds."""
        return max(1.0, self.rate * self.seconds)

    def take(
        self, empty_at: int | None, now: int, *, debt: float, least: float, most: float
    ) -> Taken:
        """Pay a debt whole, then take `most` tokens or what there is, but nothing below `least`.

        `empty_at` None: the bucket is full.
        """
        full_since = now - math.ceil(self.size / self.rate * SECOND)
        moment = max(full_since if empty_at is None else empty_at, full_since)
        moment += math.ceil(debt / self.rate * SECOND)
        there = (now - moment) / SECOND * self.rate
        if there < least:
            return Taken(moment, 0.0, (least - there) / self.rate)
        given = min(there, most)
        return Taken(moment + math.ceil(given / self.rate * SECOND), given, 0.0)

    def lifetime(self, empty_at: int, now: int) -> float:
        """Return the seconds until the bucket is full again, after which nothing need be known of it."""
        return max(0.0, (empty_at - now) / SECOND) + self.size / self.rate
