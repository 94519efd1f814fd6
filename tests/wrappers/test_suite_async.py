"""The whole suite on encrypted and on checked engines, for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wrappers.places import PLACES, WRAPS, settings
from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.drivers.sqlite import AsyncSqliteEngine
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture(params=PLACES, ids="-".join)
def make_engine(request: pytest.FixtureRequest, tmp_path: Path):
    place, wrap = request.param

    def make(now: Callable[[], int], limits: Limits) -> AsyncEngine:
        engine: AsyncEngine
        if place == "memory":
            engine = AsyncMemoryEngine(now, limits)
        else:
            engine = AsyncSqliteEngine(settings(tmp_path), now, limits)
        for wrapping in WRAPS[wrap]:
            engine = wrapping(engine)
        return engine

    return make
