"""SQLite in a file, without await."""

from __future__ import annotations

from pathlib import Path

import pytest

from threadkeep._sync.drivers.sqlite import SqliteEngine
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(tmp_path: Path):
    return lambda now, limits: SqliteEngine(Settings(path=str(tmp_path / "t.db")), now, limits)
