"""Connections for reading: as many as threads read at once, used one at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from threadkeep.engines.sql.sqlite.connect import Settings, open_connection

WAIT = 0.05  # seconds; a read that meets a lock goes to a thread that may wait


class Readers:
    """Idle connections; `take` and `give` are atomic, so any thread may read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    def take(self) -> sqlite3.Connection:
        """Return a connection for this caller alone, until `give`."""
        try:
            return self._idle.pop()
        except IndexError:
            return open_connection(self._settings, write=False, wait=WAIT)

    def give(self, con: sqlite3.Connection) -> None:
        """Take a connection back."""
        if self._closed:
            con.close()
        else:
            self._idle.append(con)

    @contextmanager
    def moment(self) -> Generator[sqlite3.Connection]:
        """Lend a connection inside a read transaction: everything it sees is of one moment."""
        con = self.take()
        try:
            con.execute("begin")
            try:
                yield con
            finally:
                con.execute("commit")
        finally:
            self.give(con)

    def close(self) -> None:
        """Close what is idle; what is lent is closed when it comes back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
