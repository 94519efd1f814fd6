"""Every engine of this package against the memory engine, over scripts that hypothesis draws."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.drivers.sqlite import AsyncSqliteEngine
from threadkeep._sync.drivers.sqlite import SqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing.machine import check_machine
from threadkeep.testing.machine_loop import Driven

NORMAL = settings(
    max_examples=80,
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(NORMAL, max_examples=4_000, stateful_step_count=80)
PROFILES = [
    pytest.param(NORMAL, id="normal"),
    pytest.param(LONG, id="long", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
]
RAM = Path("/dev/shm")  # where there is one: nothing here cuts the power


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[], Settings]]:
    """Settings of a new file at each call."""
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else tmp_path) as folder:
        numbers = itertools.count()
        yield lambda: Settings(path=f"{folder}/{next(numbers)}.db", durability="normal")


def driven(now: Callable[[], int], limits: Limits, *, settings: Settings | None = None) -> Engine:
    if settings is None:
        return Driven(AsyncMemoryEngine(now, limits))
    return Driven(AsyncSqliteEngine(settings, now, limits))


MEMORY = Settings(path=":memory:")


@pytest.mark.parametrize("profile", PROFILES)
class TestAnswersOfTheOracle:
    def test_memory_async(self, profile: settings):
        check_machine(lambda: driven, profile)

    def test_sqlite_file(self, profile: settings, fresh: Callable[[], Settings]):
        check_machine(lambda: partial(SqliteEngine, fresh()), profile)

    def test_sqlite_file_async(self, profile: settings, fresh: Callable[[], Settings]):
        check_machine(lambda: partial(driven, settings=fresh()), profile)

    def test_sqlite_memory(self, profile: settings):
        check_machine(lambda: partial(SqliteEngine, MEMORY), profile)

    def test_sqlite_memory_async(self, profile: settings):
        check_machine(lambda: partial(driven, settings=MEMORY), profile)
