"""Documents in a table, through a query driver over sqlite3, without await: the whole suite."""

from __future__ import annotations

import sqlite3

import pytest

from threadkeep.engines.document import DocumentEngine
from threadkeep.engines.query import QueryDocuments, QueryDriver
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine():
    con = sqlite3.connect(":memory:", check_same_thread=False)
    driver = QueryDriver(con)
    yield lambda now, limits: DocumentEngine(QueryDocuments(driver), now, limits)
    con.close()
