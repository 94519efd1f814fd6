"""SQLite in memory, for asyncio."""

from __future__ import annotations

import pytest

from threadkeep._async.drivers.sqlite import AsyncSqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine():
    return lambda now, limits: AsyncSqliteEngine(Settings(path=":memory:"), now, limits)
