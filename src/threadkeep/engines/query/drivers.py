"""Query drivers over a connection: any of DB-API 2.0, or one for asyncio."""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from threadkeep.concurrency import AsyncFlow
from threadkeep.engines.query.statements import style_of, styled
from threadkeep.errors import UsageError


class QueryDriver:
    """A query driver over a connection of DB-API 2.0 (`sqlite3`, `psycopg`, `pymysql`, `pyodbc`, ...).

    Each call is a transaction of its own, which it commits or rolls back: give it a connection that nobody else
    uses.

    Args:
        connection: a connection, or a function that makes one: then it is made at the first call, and made
            anew after a call that failed.
        style: how the connection wants parameters: `?`, `%s` or `$1`; as its module says when omitted.
    """

    style = "?"  # the connection's own is seen to here

    def __init__(self, connection: Any, style: str | None = None) -> None:
        self._make: Callable[[], Any] | None = connection if _is_factory(connection) else None
        self._connection: Any = None if self._make else connection
        if self._make is None and waits(connection):
            raise UsageError(
                f"{type(connection).__qualname__} is to be awaited; take AsyncQueryDriver"
            )
        if style is not None:
            styled("", style)
        elif self._connection is not None:
            style = style_of(self._connection)
        self._style = style
        self._lock = threading.Lock()

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Any]:
        """Return the rows of a statement with `?` for each parameter."""
        return self._do(sql, params)[0]

    def run(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it concerned; -1 where the connection does not say."""
        return self._do(sql, params)[1]

    def exec(self, sql: str) -> None:
        """Run a statement without parameters."""
        self._do(sql, ())

    def _do(self, sql: str, params: Sequence[object]) -> tuple[list[Any], int]:
        with self._lock:
            return self._done(sql, params)

    def _done(self, sql: str, params: Sequence[object]) -> tuple[list[Any], int]:
        if self._connection is None:
            if self._make is None:
                raise UsageError("this query driver is closed")
            self._connection = self._make()
        con = self._connection
        style = self._style = self._style or style_of(con)
        try:
            cursor = con.cursor()
            try:
                cursor.execute(styled(sql, style), *([tuple(params)] if params else []))
                rows = list(cursor.fetchall()) if cursor.description else []
                count = cursor.rowcount
            finally:
                cursor.close()
            con.commit()
        except BaseException:
            self._fail(con)
            raise
        return rows, count

    def _fail(self, con: Any) -> None:
        with suppress(Exception):
            con.rollback()
        if self._make is not None:
            self._connection = None
            with suppress(Exception):
                con.close()

    def close(self) -> None:
        """Close the connection if it was made here; twice is fine."""
        con, make, self._make = self._connection, self._make, None
        if make is not None and con is not None:
            self._connection = None
            con.close()


class AsyncQueryDriver:
    """A query driver over a connection for asyncio (`asyncpg`, `psycopg`, `asyncmy`, `aiosqlite`, ...).

    Each call is a transaction of its own, which it commits or rolls back: give it a connection that nobody else
    uses, or a pool of asyncpg.

    Args:
        connection: a connection, or a function that makes one, with or without await: then it is made at the
            first call, and made anew after a call that failed.
        style: how the connection wants parameters: `?`, `%s` or `$1`; as its module says when omitted.
    """

    style = "?"  # the connection's own is seen to here
    at_once = 32  # a connection takes one at a time, a pool more

    def __init__(self, connection: Any, style: str | None = None) -> None:
        self._make: Callable[[], Any] | None = connection if _is_factory(connection) else None
        self._connection: Any = None if self._make else connection
        if self._make is None and not waits(connection):
            raise UsageError(
                f"{type(connection).__qualname__} is not to be awaited; take QueryDriver"
            )
        if style is not None:
            styled("", style)
        elif self._connection is not None:
            style = style_of(self._connection)
        self._style = style
        self._lock = asyncio.Lock()

    async def query(self, sql: str, params: Sequence[object] = ()) -> list[Any]:
        """Return the rows of a statement with `?` for each parameter."""
        return (await self._do(sql, params, rows=True))[0]

    async def run(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it concerned; -1 where the connection does not say."""
        return (await self._do(sql, params, rows=False))[1]

    async def exec(self, sql: str) -> None:
        """Run a statement without parameters."""
        await self._do(sql, (), rows=False)

    async def _do(self, sql: str, params: Sequence[object], *, rows: bool) -> tuple[list[Any], int]:
        """Run a statement to its end: a caller who leaves must not leave an answer for the next."""
        return await AsyncFlow.finish(self._done(sql, params, rows=rows))

    async def _done(
        self, sql: str, params: Sequence[object], *, rows: bool
    ) -> tuple[list[Any], int]:
        async with self._lock:
            con = await self._connected()
            if not hasattr(con, "acquire"):
                return await self._on(con, sql, params, rows=rows)
        return await self._on(con, sql, params, rows=rows)  # a pool, which takes several

    async def _connected(self) -> Any:
        if self._connection is None:
            if self._make is None:
                raise UsageError("this query driver is closed")
            self._connection = await _waited(self._make())
        self._style = self._style or style_of(self._connection)
        return self._connection

    async def _on(
        self, con: Any, sql: str, params: Sequence[object], *, rows: bool
    ) -> tuple[list[Any], int]:
        sql = styled(sql, self._style or "?")
        try:
            if hasattr(con, "fetch"):
                return await _fetched(con, sql, params, rows=rows)
            return await _executed(con, sql, params)
        except BaseException:
            await self._fail(con)
            raise

    async def _fail(self, con: Any) -> None:
        with suppress(Exception):
            await _waited(con.rollback())
        if hasattr(con, "acquire"):
            return  # a pool sees to its connections
        if self._make is not None:
            self._connection = None
            with suppress(Exception):
                await _waited(con.close())

    async def aclose(self) -> None:
        """Close the connection if it was made here; twice is fine."""
        con, make, self._make = self._connection, self._make, None
        if make is not None and con is not None:
            self._connection = None
            await _waited(con.close())


def waits(connection: object) -> bool:
    """Tell whether a connection's methods are to be awaited."""
    return hasattr(connection, "fetch") or hasattr(type(connection), "__aenter__")


def _is_factory(connection: Any) -> bool:
    return (
        callable(connection)
        and not hasattr(connection, "cursor")
        and not hasattr(connection, "fetch")
    )


async def _waited(found: Any) -> Any:
    return await found if inspect.isawaitable(found) else found


async def _fetched(
    con: Any, sql: str, params: Sequence[object], *, rows: bool
) -> tuple[list[Any], int]:
    """Run a statement on a connection or pool like those of asyncpg, which commit by themselves."""
    if rows:
        return list(await con.fetch(sql, *params)), -1
    done = re.search(r"\d+$", str(await con.execute(sql, *params)))
    return [], int(done[0]) if done else -1


async def _executed(con: Any, sql: str, params: Sequence[object]) -> tuple[list[Any], int]:
    """Run a statement on a connection with cursors."""
    cursor = await _waited(con.cursor())
    try:
        await cursor.execute(sql, *([tuple(params)] if params else []))
        found = list(await cursor.fetchall()) if cursor.description else []
        count = cursor.rowcount
    finally:
        await _waited(cursor.close())
    await _waited(con.commit())
    return found, count
