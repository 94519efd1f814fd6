from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that all tests of this folder share; databases keep them apart."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """Return where an empty database is, as the part of a URL behind its scheme."""
    name = f"query{next(_numbers)}"
    with postgres.connect(autocommit=True) as con:
        con.execute(f"create database {name}")  # pyright: ignore[reportArgumentType, reportCallIssue] - a name made here
    return f"postgres@127.0.0.1:{postgres.port}/{name}"


@pytest.fixture
def schema(mariadb: MariadbServer) -> str:
    """Return the name of an empty database of MariaDB's, whose default is neither UTF-8 nor careful with case."""
    name = f"query{next(_numbers)}"
    mariadb.execute(f"create database {name} character set latin1 collate latin1_swedish_ci")
    return name
