"""One connection to a server for threads, by PyMySQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import pymysql
from pymysql.err import MySQLError

from threadkeep.engines.sql.mysql.errors import Lost, Oversized, failure
from threadkeep.engines.sql.mysql.settings import Settings, arguments, opening

Rows = Sequence[tuple[Any, ...]]


class Link:
    """A connection that one thread uses at a time."""

    def __init__(self, connection: Any, largest: int) -> None:
        self._con = connection
        self._largest = largest

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Connect and make the session what the engine needs. Raises Lost or Failed."""
        try:
            link = cls(
                pymysql.connect(**arguments(settings), ssl_disabled=not settings.tls), 1 << 24
            )
        except MySQLError as error:
            raise failure(error, sent=False) from error
        except (OSError, EOFError) as error:
            raise Lost(f"cannot connect: {error}", sent=False) from error
        try:
            found = link.ask(opening(settings))
        except BaseException:
            link.drop()
            raise
        link._largest = found[-1][0][0]
        return link

    def ask(self, packet: bytes) -> list[Rows]:
        """Send statements as one packet and return the rows of each. Raises Lost, Failed or Oversized."""
        cursor = self._con.cursor()
        if len(packet) >= self._largest:
            raise Oversized(len(packet), self._largest)
        found: list[Rows] = []
        try:
            cursor.execute(packet)
            found.append(cursor.fetchall())
            while cursor.nextset():
                found.append(cursor.fetchall())
        except MySQLError as error:
            raise failure(error, sent=True) from error
        except (OSError, EOFError) as error:
            raise Lost(f"the connection was lost: {error}", sent=True) from error
        return found

    def drop(self) -> None:
        """Close it at once."""
        self._con._force_close()  # noqa: SLF001 - `close` would talk to the server first

    def close(self) -> None:
        """Take leave of the server and close it."""
        if self._con.open:
            self._con.close()
