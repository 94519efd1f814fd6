"""Engines of the tests on a URL."""

from __future__ import annotations

from collections.abc import Callable

from tests.servers.postgres import PostgresServer
from threadkeep._async.drivers.postgres.engine import AsyncPostgresEngine
from threadkeep._async.drivers.postgres.lines import AsyncLines
from threadkeep._sync.drivers.postgres.engine import PostgresEngine
from threadkeep._sync.drivers.postgres.lines import Lines
from threadkeep.engines.sql.postgres.names import TABLES
from threadkeep.engines.sql.postgres.url import settings_of
from threadkeep.model.options import Limits
from threadkeep.model.urls import parse_url


def empty(server: PostgresServer) -> None:
    """Remove all rows of the store that tests share."""
    tables = (table for table in TABLES if table != "migration")
    server.execute(";".join(f"delete from furnished.tk_{table}" for table in tables))


def async_engine(
    url: str, limits: Limits | None = None, now: Callable[[], int] | None = None
) -> AsyncPostgresEngine:
    settings, names = settings_of(parse_url(url))
    return AsyncPostgresEngine(AsyncLines(settings), limits or Limits(), names, now=now)


def sync_engine(
    url: str, limits: Limits | None = None, now: Callable[[], int] | None = None
) -> PostgresEngine:
    settings, names = settings_of(parse_url(url))
    return PostgresEngine(Lines(settings), limits or Limits(), names, now=now)
