"""Every engine of this package with encrypted values, without await."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep._sync.drivers.sqlite import SqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing.suite import *  # noqa: F403 - the suite
from threadkeep.wrapping import KeyRing, encrypt

ENCRYPTED = encrypt(KeyRing({"k1": bytes(32)}))


@pytest.fixture(params=["memory", "sqlite file", "sqlite memory"])
def make_engine(request: pytest.FixtureRequest, tmp_path: Path):
    path = str(tmp_path / "t.db") if request.param == "sqlite file" else ":memory:"

    def make(now: Callable[[], int], limits: Limits) -> Engine:
        if request.param == "memory":
            return ENCRYPTED(MemoryEngine(now, limits))
        return ENCRYPTED(SqliteEngine(Settings(path=path), now, limits))

    return make
