"""The whole suite on encrypted and on checked engines, without await."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wrappers.places import PLACES, WRAPS, settings
from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.drivers.sqlite import SqliteEngine
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture(params=PLACES, ids="-".join)
def make_engine(request: pytest.FixtureRequest, tmp_path: Path):
    place, wrap = request.param

    def make(now: Callable[[], int], limits: Limits) -> Engine:
        memory = place == "memory"
        engine: Engine = (
            MemoryEngine(now, limits)
            if memory
            else SqliteEngine(settings(place, tmp_path), now, limits)
        )
        for wrapping in WRAPS[wrap]:
            engine = wrapping(engine)
        return engine

    return make
