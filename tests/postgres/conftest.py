from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres.engine import empty, sync_engine
from tests.races import figures
from tests.servers.postgres import PostgresServer

say = figures.teller("postgres")
pytest_terminal_summary = figures.summary("postgres")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that all tests of this process share; databases and prefixes keep them apart."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    return postgres.url


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """The URL of an empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    postgres.execute(f"create database {name}")
    return postgres.url_of(name)


@pytest.fixture(scope="session")
def furnished(postgres: PostgresServer) -> str:
    """The URL of a store with its tables, which tests have one after the other."""
    postgres.execute("create schema furnished")
    url = f"{postgres.url}?schema=furnished"
    engine = sync_engine(url)
    engine.setup()
    engine.close()
    return url


@pytest.fixture
def place(postgres: PostgresServer, furnished: str) -> str:
    """The URL of an empty store of this test's own, with its tables."""
    empty(postgres)
    return furnished


@pytest.fixture
def bare(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a store in an empty schema."""
    name = f"bare_{next(_numbers)}"
    postgres.execute(f"create schema {name}")
    yield f"{postgres.url}?schema={name}"
    with contextlib.suppress(psycopg.Error):  # the test has stopped the server
        postgres.execute(f"drop schema {name} cascade")
