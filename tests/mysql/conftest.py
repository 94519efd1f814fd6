from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pymysql
import pytest

from tests.mysql.engine import empty, sync_engine
from tests.races import figures
from tests.servers.mariadb import MariadbServer

say = figures.teller("mysql")
pytest_terminal_summary = figures.summary("mysql")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def furnished(mariadb: MariadbServer) -> str:
    """The URL of a store with its tables, which tests have one after the other."""
    mariadb.execute("create database furnished")
    url = mariadb.url_of("furnished")
    engine = sync_engine(url)
    engine.setup()
    engine.close()
    return url


@pytest.fixture
def place(mariadb: MariadbServer, furnished: str) -> str:
    """The URL of an empty store of this test's own, with its tables."""
    empty(mariadb)
    return furnished


@pytest.fixture
def bare(mariadb: MariadbServer) -> Iterator[str]:
    """The URL of a store in an empty database."""
    name = f"bare_{next(_numbers)}"
    mariadb.execute(f"create database {name}")
    yield mariadb.url_of(name)
    with contextlib.suppress(pymysql.err.MySQLError):  # the test has stopped the server
        mariadb.execute(f"drop database {name}")
