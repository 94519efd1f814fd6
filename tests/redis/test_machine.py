"""The script against the memory engine, over programs that hypothesis draws."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.redis.engine import ThoroughEngine, clocked
from threadkeep.testing.machine import Opener, check_machine

NORMAL = settings(
    max_examples=80,
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(NORMAL, max_examples=4_000, stateful_step_count=80)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(NORMAL, id="normal"),
        pytest.param(LONG, id="long", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
@pytest.mark.parametrize("server", ["redis7", "valkey9"])
def test_answers_of_the_oracle(
    server: str, profile: Any, tk_prefix: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{server}_url")
    numbers = itertools.count()

    def place() -> Opener:
        return partial(clocked, url, f"{tk_prefix}-{next(numbers)}", kind=ThoroughEngine)

    check_machine(place, profile)
