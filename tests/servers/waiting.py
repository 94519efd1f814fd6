"""Waiting with a bound, for what no clock of the tests can hurry."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis


def eventually(check: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait until `check` gives something true; an error of a connection counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        last: object = None
        try:
            if check():
                return
        except (redis.RedisError, OSError) as error:
            last = error
        assert time.monotonic() < end, f"not within {seconds} s: {what} ({last})"
        time.sleep(0.01)
