"""The primary that sentinels watch is killed while it is written to through a store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

import pytest

from tests.races.figures import Say
from tests.redis_faults.load import Load, Side
from tests.redis_faults.verify import verify
from tests.servers.sentinel import Watched

FLOOR = 150  # a fault does not count with fewer calls acknowledged before it, and after it


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Watched(password="secret") as watched:
        yield watched


@pytest.mark.parametrize("side", ["async", "sync"])
def test_the_primary_is_killed(watched: Watched, side: Side, random: Random, say: Say) -> None:
    url = f"{watched.url}?timeout=2&failover_timeout=30"
    with Load(url, random, side=side) as load:
        load.more(FLOOR)
        old = watched.primary()
        old.kill()
        taken = time.monotonic()
        load.more(FLOOR)
        ledger = load.stop()
    verdict = verify(url, ledger, taken=taken)
    longest = max(call.ended - call.begun for call in ledger.calls)
    say(f"{verdict}; longest call {longest:.1f} s")
    assert watched.primary() is not old
    assert verdict.wrong == []
