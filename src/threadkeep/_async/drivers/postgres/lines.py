"""Connections to PostgreSQL: a pool of the store's own, or one that the program brought along."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from threadkeep.concurrency import AsyncLock
from threadkeep.engines.sql.postgres.connections import Settings, is_gone, prepared, unprepared
from threadkeep.engines.sql.postgres.errors import DRIVER, map_error

Rows = list[tuple[Any, ...]]
PATIENCE = 0.5  # seconds until the pool is asked again
STALE = 16  # connections that may turn out to be closed before a call gives up


@asynccontextmanager
async def _alone(con: AsyncConnection[Any]) -> AsyncGenerator[None]:
    """Have each statement of a program's connection be a transaction of its own, as on the store's."""
    if con.autocommit:
        yield
        return
    await con.set_autocommit(True)
    try:
        yield
    finally:
        if not con.closed:
            await con.set_autocommit(False)


async def rows_of(
    con: AsyncConnection[Any], statement: bytes, args: Sequence[Any], *, prepare: bool = False
) -> Rows:
    """Return the rows of a statement as tuples, whatever the connection makes of rows."""
    cursor = con.cursor(row_factory=tuple_row, binary=True)
    await cursor.execute(statement, args, prepare=prepare)
    return await cursor.fetchall()


class AsyncLines:
    """Lends connections for one statement each, in autocommit mode."""

    def __init__(self, settings: Settings, pool: AsyncConnectionPool[Any] | None = None) -> None:
        self.settings = settings
        self._given = pool
        self._pool = pool
        self._kept: Mapping[bytes, Sequence[Any]] = {}
        self._opening = AsyncLock()

    @property
    def borrowed(self) -> bool:
        """Tell whether the connections are a program's."""
        return self._given is not None

    async def open(self, kept: Mapping[bytes, Sequence[Any]]) -> None:
        """Make the pool, which connects when it is first used; a given one is used as it is.

        `kept`: what each new connection of the pool is to have prepared, with arguments that do nothing. Nothing
        where a pooler may stand before the server.
        """
        async with self._opening:
            if self._pool is None:
                self._kept = kept
                pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
                    self.settings.conninfo,
                    kwargs=prepared() if kept else unprepared(),
                    configure=self._prepare,
                    min_size=0,
                    max_size=self.settings.connections,
                    reconnect_timeout=0.0,  # `_borrow` has it try again
                    open=False,
                )
                await pool.open()
                self._pool = pool

    async def _prepare(self, con: AsyncConnection[Any]) -> None:
        for statement, args in self._kept.items():
            with suppress(psycopg.Error):  # who uses it is told
                await rows_of(con, statement, args, prepare=True)

    @asynccontextmanager
    async def direct(self) -> AsyncGenerator[AsyncConnection[Any]]:
        """Lend a connection for longer: a new one, or one of the pool that was given."""
        if self._given is None:
            made = await AsyncConnection.connect(self.settings.conninfo, **unprepared())
            async with made as con:
                yield con
        else:
            async with self._given.connection(self.settings.wait) as con, _alone(con):
                yield con

    async def fetch(self, statement: bytes, args: Sequence[Any]) -> Rows:
        """Return the rows of a statement, in one trip. Raises what the driver raises."""
        assert self._pool is not None  # noqa: S101 - set by open
        for _ in range(STALE):
            con = await self._borrow(self._pool)
            try:
                if is_gone(con.pgconn):  # closed by the server while nobody used it
                    await con.close()
                    continue
                if con.autocommit:
                    return await rows_of(con, statement, args, prepare=statement in self._kept)
                async with _alone(con):
                    return await rows_of(con, statement, args)
            finally:
                await self._pool.putconn(con)
        raise map_error(ConnectionError("the server closes every connection"), wrote=False)

    async def _borrow(self, pool: AsyncConnectionPool[Any]) -> AsyncConnection[Any]:
        """Take a connection of the pool, which tries to connect once each time it is asked."""
        end = time.monotonic() + self.settings.wait
        while True:
            left = end - time.monotonic()
            slice_ = left if pool is self._given else min(left, PATIENCE)
            try:
                return await pool.getconn(max(slice_, 0.001))
            except PoolTimeout:
                if time.monotonic() >= end - 0.001:
                    raise

    async def ask(self, statement: bytes, args: Sequence[Any]) -> Rows:
        """Return the rows of a statement that only reads, with errors in our words."""
        try:
            return await self.fetch(statement, args)
        except DRIVER as error:
            raise map_error(error, wrote=False) from error

    async def aclose(self) -> None:
        """Close the pool if it is the store's own."""
        pool, self._pool = self._pool, self._given
        if pool is not None and self._given is None:
            await pool.close()
