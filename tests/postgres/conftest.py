from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import psycopg
import pytest

from tests.servers.postgres import PostgresServer

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


@pytest.fixture
def place(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty store of this test's own: a schema in a shared database."""
    name = f"place_{next(_numbers)}"
    postgres.execute(f"create schema {name}")
    yield f"{postgres.url}?schema={name}"
    with contextlib.suppress(psycopg.Error):  # the test has stopped the server
        postgres.execute(f"drop schema {name} cascade")
