"""One connection to a server for asyncio, by asyncmy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self, cast

import asyncmy
from asyncmy.errors import MySQLError

from threadkeep.engines.sql.mysql.errors import Lost, Oversized, failure
from threadkeep.engines.sql.mysql.settings import Settings, arguments, opening

_connect = cast("Any", asyncmy).connect  # its stubs say little
Rows = Sequence[tuple[Any, ...]]


class AsyncLink:
    """A connection that one task uses at a time."""

    def __init__(self, connection: Any, largest: int) -> None:
        self._con = connection
        self._largest = largest

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connect and make the session what the engine needs. Raises Lost or Failed."""
        try:
            async with asyncio.timeout(settings.wait):
                link = cls(await _connect(**arguments(settings)), 1 << 24)
        except MySQLError as error:
            raise failure(error, sent=False) from error
        except (OSError, EOFError) as error:
            raise Lost(f"cannot connect: {error}", sent=False) from error
        try:
            found = await link.ask(opening(settings))
        except BaseException:
            link.drop()
            raise
        link._largest = found[-1][0][0]
        return link

    async def ask(self, packet: bytes) -> list[Rows]:
        """Send statements as one packet and return the rows of each. Raises Lost, Failed or Oversized.

        Who is cancelled while it waits leaves a closed connection behind, never an answer for the next.
        """
        cursor = self._con.cursor()
        if len(packet) >= self._largest:
            raise Oversized(len(packet), self._largest)
        found: list[Rows] = []
        try:
            await cursor.execute(packet)
            found.append(await cursor.fetchall())
            while await cursor.nextset():
                found.append(await cursor.fetchall())
        except MySQLError as error:
            raise failure(error, sent=True) from error
        except (OSError, EOFError) as error:
            raise Lost(f"the connection was lost: {error}", sent=True) from error
        return found

    def drop(self) -> None:
        """Close it at once."""
        self._con.close()

    async def aclose(self) -> None:
        """Take leave of the server and close it."""
        await self._con.ensure_closed()
