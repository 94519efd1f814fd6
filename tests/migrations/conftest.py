from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.migrations.places import (
    DIALECTS,
    MysqlPlace,
    Place,
    PostgresPlace,
    SqlitePlace,
    fixtures,
    load,
)
from tests.migrations.releases import Release
from tests.migrations.upcoming import add_pair
from tests.servers.postgres import PostgresServer

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that the tests of this process share; databases keep them apart."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """Make an empty database of a dialect."""

    def make(dialect: str) -> Place:
        name = f"place_{next(_numbers)}"
        if dialect == "sqlite":
            return SqlitePlace(tmp_path / f"{name}.db")
        if dialect == "mysql":
            return MysqlPlace(request.getfixturevalue("mariadb"), name)
        return PostgresPlace(request.getfixturevalue("server"), name)

    return make


@pytest.fixture(params=DIALECTS)
def empty(request: pytest.FixtureRequest, make: Callable[[str], Place]) -> Place:
    """An empty database."""
    return make(request.param)


@pytest.fixture
def place(empty: Place) -> Place:
    """A store as this release has left it."""
    load(empty, fixtures(empty.dialect)[-1])
    return empty


@pytest.fixture(scope="session")
def coming(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The next release, with a pair of migrations for each dialect."""
    release = Release(tmp_path_factory.mktemp("coming"))
    for dialect in DIALECTS:
        add_pair(release, dialect)
    return release
