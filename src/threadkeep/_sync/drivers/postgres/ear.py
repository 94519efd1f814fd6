# Generated from src/threadkeep/_async/drivers/postgres/ear.py by scripts/unasync. Do not edit.
"""Hearing of changes by all processes: one connection that listens, or one query in turns where none can."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from psycopg import Connection

from threadkeep._sync.drivers.postgres.lines import Lines, rows_of
from threadkeep.concurrency import Background, Flow, Lock
from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.postgres.statements import Statements
from threadkeep.engines.sql.postgres.watched import Watched
from threadkeep.model.refs import Ref

log = logging.getLogger("threadkeep")
TICK: Final = 0.2  # seconds between looks at what else is to be done
POLL: Final = 1.0  # seconds between queries where notifications do not come through
LOOK: Final = 30.0  # seconds after which watchers look by themselves, whatever was heard


class Ear:
    """Wakes the watchers of a hub. What they watch stands in a table, which writers look at."""

    def __init__(self, lines: Lines, statements: Statements, hub: Hub) -> None:
        self._lines, self._sql, self._hub = lines, statements, hub
        self._background = Background()
        self._watched = Watched()
        self._starting = Lock()
        self._running = self._deaf = self._closed = False

    def add(self, ref: Ref) -> None:
        """Have writers tell of the changes of an entity from now on; undo it by `remove`, also after an error."""
        key = self._watched.add(ref)
        self._lines.ask(self._sql.watch, ([key],))
        self._watched.settle(ref)
        with self._starting:
            if not self._running:
                self._running = True
                self._background.start(self._run)

    def remove(self, ref: Ref) -> None:
        """Undo one `add`."""
        self._watched.remove(ref)

    def _run(self) -> None:
        while not self._closed:
            try:
                with self._lines.direct() as con:
                    try:
                        self._hear(con)
                    finally:
                        if self._lines.borrowed and not con.closed:
                            con.execute(self._sql.unlisten, prepare=False)
            except Exception as error:  # noqa: BLE001 - whatever it is, who watches is not to be left alone
                if not (self._deaf or self._closed):
                    log.warning(
                        "changes by other processes are not heard (%s); trying again",
                        type(error).__name__,
                    )
                self._deaf = True
                Flow.sleep(TICK)

    def _hear(self, con: Connection[Any]) -> None:
        """Listen until the connection is lost; behind a transaction pooler ask instead."""
        ((pid,),) = rows_of(con, b"select pg_backend_pid()", ())
        direct = pid == con.info.backend_pid
        if direct:
            con.execute(self._sql.listen)
        self._deaf = False
        self._hub.publish_all()  # what happened before is not told
        looked = renewed = time.monotonic()
        while not self._closed:
            if direct:
                for told in con.notifies(timeout=TICK):
                    self._tell(told.payload)
            else:
                Flow.sleep(POLL)
                self._poll(con)
            self._settle(con)
            now = time.monotonic()
            if now - looked > LOOK:
                looked = now
                self._hub.publish_all()
            if now - renewed > LOOK:
                renewed = now
                con.execute(self._sql.watch, (self._watched.keys,), prepare=False)

    def _tell(self, payload: str) -> None:
        for key in payload.split():
            ref = self._watched.ref_of(key)
            if ref is not None:
                self._hub.publish(ref)

    def _settle(self, con: Connection[Any]) -> None:
        """Look again when all have ended who wrote before they could know of the watcher."""
        if not self._watched.unsettled:
            return
        for oldest, next_ in rows_of(con, self._sql.snapshot, ()):
            for ref in self._watched.settled(oldest, next_):
                self._hub.publish(ref)

    def _poll(self, con: Connection[Any]) -> None:
        found = rows_of(con, self._sql.poll, self._watched.columns())
        for ref in self._watched.changed(found):
            self._hub.publish(ref)

    def close(self) -> None:
        """Stop listening."""
        self._closed = True
        self._background.stop()
