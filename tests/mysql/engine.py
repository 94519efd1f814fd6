"""Engines of the tests on a URL."""

from __future__ import annotations

from collections.abc import Callable

from pymysql.constants import CLIENT

from tests.servers.mariadb import MariadbServer
from threadkeep._async.drivers.mysql.engine import AsyncMysqlEngine
from threadkeep._async.drivers.mysql.lines import AsyncLines
from threadkeep._sync.drivers.mysql.engine import MysqlEngine
from threadkeep._sync.drivers.mysql.lines import Lines
from threadkeep.engines.sql.mysql.url import settings_of
from threadkeep.model.options import Limits
from threadkeep.model.urls import parse_url

TABLES = ("entity", "field", "item", "label", "tombstone")


def empty(server: MariadbServer) -> None:
    """Remove all rows of the store that tests share."""
    statements = ";".join(f"delete from tk_{table}" for table in TABLES)
    with (
        server.connect("furnished", client_flag=CLIENT.MULTI_STATEMENTS) as con,
        con.cursor() as cursor,
    ):
        cursor.execute(statements)
        while cursor.nextset():
            pass


def async_engine(
    url: str, limits: Limits | None = None, now: Callable[[], int] | None = None
) -> AsyncMysqlEngine:
    lines = AsyncLines(settings_of(parse_url(url)))
    return AsyncMysqlEngine(lines, limits or Limits(), now=now)


def sync_engine(
    url: str, limits: Limits | None = None, now: Callable[[], int] | None = None
) -> MysqlEngine:
    return MysqlEngine(Lines(settings_of(parse_url(url))), limits or Limits(), now=now)
