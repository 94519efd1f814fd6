"""Documents in a table, through a query driver over sqlite3, without await: the whole suite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from threadkeep.engines.document import DocumentEngine
from threadkeep.engines.query import QueryDocuments, QueryDriver
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(tmp_path: Path):
    drivers: list[QueryDriver] = []

    def connect() -> sqlite3.Connection:
        con = sqlite3.connect(tmp_path / "t.db", timeout=30, check_same_thread=False)
        con.execute("PRAGMA synchronous = off")
        con.execute("PRAGMA journal_mode = wal").close()
        return con

    def make(now, limits):
        drivers.append(QueryDriver(connect))
        return DocumentEngine(QueryDocuments(drivers[-1]), now, limits)

    yield make
    for driver in drivers:
        driver.close()
