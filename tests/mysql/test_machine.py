"""The engine against the memory engine, over scripts that hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

from tests.machine.test_machine import LONG, NORMAL
from tests.mysql.engine import async_engine, empty, sync_engine
from tests.servers.mariadb import MariadbServer
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing.machine import check_machine
from threadkeep.testing.machine_loop import Driven

QUICK = settings(NORMAL, max_examples=25)
PROFILES = [
    pytest.param(QUICK, id="normal"),
    pytest.param(LONG, id="long", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
]


@pytest.fixture
def emptied(place: str, mariadb: MariadbServer) -> Callable[[], str]:
    """Returns the URL of a store after everything in it was removed."""

    def again() -> str:
        empty(mariadb)
        return place

    return again


@pytest.mark.parametrize("profile", PROFILES)
class TestAnswersOfTheOracle:
    def test_async(self, profile: settings, emptied: Callable[[], str]):
        def opener() -> Callable[[Callable[[], int], Limits], Engine]:
            url = emptied()
            return lambda now, limits: Driven(async_engine(url, limits, now))

        check_machine(opener, profile)

    def test_threads(self, profile: settings, emptied: Callable[[], str]):
        def opener() -> Callable[[Callable[[], int], Limits], Engine]:
            url = emptied()
            return lambda now, limits: sync_engine(url, limits, now)

        check_machine(opener, profile)
