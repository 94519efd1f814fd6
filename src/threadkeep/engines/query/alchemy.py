"""An engine of SQLAlchemy as a query driver, and its pool as one of psycopg_pool."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from threadkeep.concurrency import AsyncFlow

PATIENCE = 30.0  # seconds, where a pool does not say
AT_ONCE = 32  # more than a pool has connections: it lets callers wait by itself


def _statement(sql: str, params: Sequence[object]) -> tuple[sqlalchemy.TextClause, dict[str, Any]]:
    first, *rest = sql.split("?")
    named = first + "".join(f":p{n}{part}" for n, part in enumerate(rest))
    return sqlalchemy.text(named), {f"p{n}": value for n, value in enumerate(params)}


class AsyncAlchemyDriver:
    """A query driver on an AsyncEngine. Each call is a transaction of its own."""

    style = "?"
    at_once = AT_ONCE

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def query(self, sql: str, params: Sequence[object] = ()) -> list[Any]:
        """Return the rows of a statement with `?` for each parameter."""
        return (await AsyncFlow.finish(self._do(sql, params)))[0]

    async def run(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it concerned."""
        return (await AsyncFlow.finish(self._do(sql, params)))[1]

    async def exec(self, sql: str) -> None:
        """Run a statement without parameters."""
        await AsyncFlow.finish(self._do(sql, ()))

    async def _do(self, sql: str, params: Sequence[object]) -> tuple[list[Any], int]:
        async with self._engine.begin() as con:
            found = await con.execute(*_statement(sql, params))
            return (list(found.fetchall()), -1) if found.returns_rows else ([], found.rowcount)


class AlchemyDriver:
    """A query driver on an Engine. Each call is a transaction of its own."""

    style = "?"
    at_once = AT_ONCE

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self._engine = engine

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Any]:
        """Return the rows of a statement with `?` for each parameter."""
        return self._do(sql, params)[0]

    def run(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it concerned."""
        return self._do(sql, params)[1]

    def exec(self, sql: str) -> None:
        """Run a statement without parameters."""
        self._do(sql, ())

    def _do(self, sql: str, params: Sequence[object]) -> tuple[list[Any], int]:
        with self._engine.begin() as con:
            found = con.execute(*_statement(sql, params))
            return (list(found.fetchall()), -1) if found.returns_rows else ([], found.rowcount)


def _own(error: DBAPIError) -> BaseException:
    """Return the database driver's own error."""
    return error.orig or error


class AsyncAlchemyPool:
    """The connections of an AsyncEngine on psycopg, lent as psycopg_pool lends them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._lent: dict[Any, AsyncConnection] = {}

    async def getconn(self, timeout: float | None = None) -> Any:  # noqa: ARG002 - as psycopg_pool has it
        """Lend a connection; the engine's own settings say how long to wait for one."""
        from psycopg_pool import PoolTimeout

        try:
            lent = await self._engine.connect()
            raw = await lent.get_raw_connection()
        except PoolTimeoutError as error:
            raise PoolTimeout("no connection of the engine's pool is free") from error
        except DBAPIError as error:
            raise _own(error) from error
        self._lent[raw.driver_connection] = lent
        return raw.driver_connection

    async def putconn(self, con: Any) -> None:
        """Take a connection back."""
        lent = self._lent.pop(con)
        if con.closed:
            await lent.invalidate()
        await lent.close()

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncGenerator[Any]:
        """Lend a connection until the block is left."""
        con = await self.getconn(timeout)
        try:
            yield con
        finally:
            await self.putconn(con)


class AlchemyPool:
    """The connections of an Engine on psycopg, lent as psycopg_pool lends them."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self._engine = engine
        self._lent: dict[Any, sqlalchemy.Connection] = {}

    def getconn(self, timeout: float | None = None) -> Any:  # noqa: ARG002 - as psycopg_pool has it
        """Lend a connection; the engine's own settings say how long to wait for one."""
        from psycopg_pool import PoolTimeout

        try:
            lent = self._engine.connect()
            con = lent.connection.driver_connection
        except PoolTimeoutError as error:
            raise PoolTimeout("no connection of the engine's pool is free") from error
        except DBAPIError as error:
            raise _own(error) from error
        self._lent[con] = lent
        return con

    def putconn(self, con: Any) -> None:
        """Take a connection back."""
        lent = self._lent.pop(con)
        if con.closed:
            lent.invalidate()
        lent.close()

    @contextmanager
    def connection(self, timeout: float | None = None) -> Generator[Any]:
        """Lend a connection until the block is left."""
        con = self.getconn(timeout)
        try:
            yield con
        finally:
            self.putconn(con)


def connections_of(engine: Any) -> tuple[int, float]:
    """Return how many connections the pool of an engine has at most, and how many seconds it waits for one."""
    pool = engine.pool
    if not isinstance(pool, QueuePool):
        return 1, PATIENCE
    return pool.size() + max(0, pool._max_overflow), pool.timeout()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - said nowhere else
