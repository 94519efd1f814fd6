"""A driver that several processes use at once: a table of a file that the environment names."""

from __future__ import annotations

import os
import sqlite3

from threadkeep.engines.query import QueryDriver

PLACE = "THREADKEEP_TEST_DOCUMENTS"


def driver() -> QueryDriver:
    """Return the driver on the file."""
    return QueryDriver(connect)


def connect() -> sqlite3.Connection:
    """Connect, to be used by one thread after the other; a writer waits in line from its beginning."""
    con = sqlite3.connect(
        os.environ[PLACE], timeout=30, check_same_thread=False, isolation_level="IMMEDIATE"
    )
    con.execute("PRAGMA synchronous = off")
    return con
