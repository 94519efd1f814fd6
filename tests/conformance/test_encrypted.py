"""Every engine of this package with encrypted values, for asyncio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.drivers.sqlite import AsyncSqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite
from threadkeep.wrapping import KeyRing, encrypt

ENCRYPTED = encrypt(KeyRing({"k1": bytes(32)}))


@pytest.fixture(params=["memory", "sqlite file", "sqlite memory"])
def make_engine(request: pytest.FixtureRequest, tmp_path: Path):
    path = str(tmp_path / "t.db") if request.param == "sqlite file" else ":memory:"

    def make(now: Callable[[], int], limits: Limits) -> AsyncEngine:
        if request.param == "memory":
            return ENCRYPTED(AsyncMemoryEngine(now, limits))
        return ENCRYPTED(AsyncSqliteEngine(Settings(path=path), now, limits))

    return make
