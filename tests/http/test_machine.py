"""The state machine through a live server, against the memory engine."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.http.hosting import Hosted
from tests.http.remote import Clocked, Place, in_file
from threadkeep.testing.machine import Opener, check_machine

NORMAL = settings(
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(NORMAL, max_examples=500, stateful_step_count=60)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(NORMAL, id="normal"),
        pytest.param(LONG, id="long", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
def test_answers_of_the_oracle(profile: Any, hosted: Hosted, tmp_path: Path) -> None:
    places: list[Place] = []

    def place() -> Opener:
        folder = tmp_path / str(len(places))
        folder.mkdir()
        places.append(Place(hosted, in_file(folder)))
        return partial(places[-1].open, Clocked)

    try:
        check_machine(place, profile)
    finally:
        for one in places:
            one.close()
