"""SQLite in a file, for asyncio."""

from __future__ import annotations

from pathlib import Path

import pytest

from threadkeep._async.drivers.sqlite import AsyncSqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(tmp_path: Path):
    return lambda now, limits: AsyncSqliteEngine(Settings(path=str(tmp_path / "t.db")), now, limits)
