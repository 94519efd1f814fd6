"""SQLite in memory, without await."""

from __future__ import annotations

import pytest

from threadkeep._sync.drivers.sqlite import SqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine():
    return lambda now, limits: SqliteEngine(Settings(path=":memory:"), now, limits)
