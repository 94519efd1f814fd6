# Generated from src/threadkeep/_async/clients.py by scripts/unasync. Do not edit.
"""From a program's own client or pool to an engine on the same servers."""

from __future__ import annotations

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
    durable: bool = False,
) -> Engine:
    """Return the engine on a pool of psycopg_pool, or on the servers of a client of redis-py or valkey-py.

    The pool's connections are used; of the others only the settings.
    """
    module = type(client).__module__.split(".")[0]
    if module == "psycopg_pool":
        return _engine_on_pool(client, limits)
    if module not in {"redis", "valkey"}:
        raise UsageError(
            f"a client of type {type(client).__module__}.{type(client).__qualname__} is unknown;"
            " pass a pool of psycopg_pool, or a client of redis-py or valkey-py"
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
