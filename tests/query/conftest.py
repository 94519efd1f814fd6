from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

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
    name = f"alchemy{next(_numbers)}"
    with postgres.connect(autocommit=True) as con:
        con.execute(f"create database {name}")  # pyright: ignore[reportArgumentType, reportCallIssue] - a name made here
    return f"postgres@127.0.0.1:{postgres.port}/{name}"
