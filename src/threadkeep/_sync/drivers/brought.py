# Generated from src/threadkeep/_async/drivers/brought.py by scripts/unasync. Do not edit.
"""From what a program brings along, a driver, a connection or an engine of SQLAlchemy, to an engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from threadkeep.engines.document import DocumentEngine
from threadkeep.engines.query import QueryDocuments, QueryDriver, waits
from threadkeep.errors import UsageError
from threadkeep.model.options import Limits
from threadkeep.model.urls import StoreUrl, check_options
from threadkeep.ops.engine import Engine

Now = Callable[[], int]
_TASKS = "Async" in Engine.__name__


def engine_at(url: StoreUrl, now: Now, limits: Limits) -> Engine:
    """Return the engine over what `document:///module:name` names: a driver, or what makes one."""
    from threadkeep._sync.clients import engine_of

    check_options(url, set())
    if url.authority or not re.fullmatch(r"\w+(\.\w+)*:\w+", url.path):
        raise UsageError(
            "a driver is named by its module and its name: document:///my_drivers:Driver"
        )
    module, _, name = url.path.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{url.path} cannot be imported: {error}") from error
    return engine_of(found() if callable(found) else found, limits, now=now)


def engine_on_driver(client: object, now: Now, limits: Limits) -> Engine | None:
    """Return the engine over a document driver, a query driver or a connection; None for anything else."""

    def has(*names: str) -> bool:
        return all(callable(getattr(client, name, None)) for name in names)

    if has("get", "set", "delete", "list"):
        return DocumentEngine(client, now, limits)
    if has("query", "run", "exec"):
        return DocumentEngine(QueryDocuments(client), now, limits)
    if has("cursor", "commit") or has("fetch", "execute"):
        driver = QueryDriver(client) if waits(client) else QueryDriver(client)
        return DocumentEngine(QueryDocuments(driver), now, limits)
    return None


def engine_on_alchemy(client: object, now: Now, limits: Limits) -> Engine:
    """Return the engine on an engine of SQLAlchemy: the database's own where its driver is ours, else documents."""
    engine = cast("Any", client)
    if not hasattr(engine, "url") or hasattr(engine, "sync_engine") is not _TASKS:
        wanted = "an Engine of create_async_engine" if _TASKS else "an Engine of create_engine"
        raise UsageError(f"{type(client).__qualname__} does not fit this store; pass {wanted}")
    dialect = engine.dialect
    if dialect.name == "postgresql" and dialect.driver in {"psycopg", "psycopg_async"}:
        return _postgres(engine, limits)
    if dialect.name == "sqlite" and dialect.driver in {"pysqlite", "aiosqlite"}:
        found = _sqlite(engine, now, limits)
        if found is not None:
            return found
    from threadkeep.engines.query.alchemy import AlchemyDriver

    documents = QueryDocuments(AlchemyDriver(engine))
    return DocumentEngine(documents, now, limits)


def _postgres(engine: Any, limits: Limits) -> Engine:
    from threadkeep.engines.query.alchemy import AlchemyPool, connections_of

    try:
        from threadkeep._sync.drivers.postgres.engine import PostgresEngine
        from threadkeep._sync.drivers.postgres.lines import Lines
        from threadkeep.engines.sql.postgres.connections import Settings
    except ImportError as error:
        raise UsageError(
            f"PostgreSQL needs the extra postgres: pip install 'threadkeep[postgres]' ({error})"
        ) from error
    connections, wait = connections_of(engine)
    settings = Settings(connections=connections, wait=wait)
    pool = cast("Any", AlchemyPool(engine))
    return PostgresEngine(Lines(settings, pool), limits)


def _sqlite(engine: Any, now: Now, limits: Limits) -> Engine | None:
    """Return the engine on the same file; None where the database is no file and its one connection is to be used."""
    from sqlalchemy.pool import StaticPool

    path = engine.url.database or ":memory:"
    if path != ":memory:" and not path.startswith("file:"):
        from threadkeep._sync.drivers.sqlite import SqliteEngine
        from threadkeep.engines.sql.sqlite.connect import Settings

        return SqliteEngine(Settings(path=path), now, limits)
    if path == ":memory:" and not isinstance(engine.pool, StaticPool):
        raise UsageError(
            "each connection of this engine has a database in memory of its own; pass poolclass=StaticPool,"
            " or a file"
        )
    return None
