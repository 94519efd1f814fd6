# Generated from src/threadkeep/_async/clients.py by scripts/unasync. Do not edit.
"""From a program's own client, pool or driver to an engine on the same servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from threadkeep.errors import UsageError
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine


def engine_of(
    client: object,
    limits: Limits,
    layout: str | None = None,
    name: str | None = None,
    *,
    now: Callable[[], int],
    durable: bool = False,
) -> Engine:
    """Return the engine on a pool of psycopg_pool, on the servers of a client of redis-py or valkey-py, or on a driver.

    A pool's, driver's or engine's own connections are used; of a client only the settings.
    """
    module = type(client).__module__.split(".")[0]
    if module == "psycopg_pool":
        return _engine_on_pool(client, limits)
    if module == "sqlalchemy":
        from threadkeep._sync.drivers.brought import engine_on_alchemy

        return engine_on_alchemy(client, now, limits)
    if module not in {"redis", "valkey"}:
        from threadkeep._sync.drivers.brought import engine_on_driver

        found = engine_on_driver(client, now, limits)
        if found is not None:
            return found
        raise UsageError(
            f"a client of type {type(client).__module__}.{type(client).__qualname__} is unknown; pass a pool of"
            " psycopg_pool, a client of redis-py or valkey-py, an engine of SQLAlchemy, a connection, or a driver"
            " with get, set, delete and list"
        )
    from threadkeep._sync.drivers.redis.layouts import engine_on
    from threadkeep.engines.redis.links import Nodes
    from threadkeep.engines.redis.url import keyed_of

    return engine_on(Nodes.from_client(client), limits, keyed_of(layout, name), durable=durable)


def _engine_on_pool(pool: object, limits: Limits) -> Engine:
    from psycopg_pool import ConnectionPool

    from threadkeep._sync.drivers.postgres.engine import PostgresEngine
    from threadkeep._sync.drivers.postgres.lines import Lines
    from threadkeep.engines.sql.postgres.connections import Settings

    if not isinstance(pool, ConnectionPool):
        raise UsageError(
            f"{type(pool).__qualname__} does not fit this store; pass a psycopg_pool.ConnectionPool"
        )
    mine = cast("ConnectionPool[Any]", pool)
    settings = Settings(connections=mine.max_size, wait=mine.timeout)
    return PostgresEngine(Lines(settings, mine), limits)
