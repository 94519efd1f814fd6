"""The writer thread: what waits is done in one transaction, its callers are woken together."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.sqlite.connect import Settings, map_error
from threadkeep.errors import ThreadkeepError, Unavailable
from threadkeep.model.refs import Ref
from threadkeep.ops.reply import Reply

GROUP = 256
GROUP_BYTES = 8 << 20
LONGEST_PAUSE, SHORTEST_PAUSE = 0.001, 0.00005  # seconds between two tries to get the lock


class Box(Protocol):
    """Where results go: see `concurrency.AsyncMailbox`."""

    def deliver(self, pairs: list[tuple[Any, Any]]) -> None: ...


class Job:
    """Work for one transaction and where its result goes."""

    __slots__ = ("box", "ref", "slot", "weight", "work")

    def __init__(
        self, work: Callable[[sqlite3.Connection], Any], ref: Ref | None, weight: int
    ) -> None:
        self.work, self.ref, self.weight = work, ref, weight
        self.box: Box | None = None
        self.slot: Any = None


class Writer:
    """Owns the connection that writes."""

    def __init__(self, con: sqlite3.Connection, settings: Settings, hub: Hub) -> None:
        self._con, self._settings, self._hub = con, settings, hub
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="threadkeep-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job; its result reaches its box after the commit."""
        with self._closing:
            if self._closed:
                raise Unavailable("the store was closed while this call was on its way")
            self._queue.put(job)

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while (job := self._queue.get()) is not None:
            group, weight, end = [job], job.weight, False
            while len(group) < GROUP and weight < GROUP_BYTES:
                try:
                    more = self._queue.get_nowait()
                except Empty:
                    break
                if more is None:
                    end = True
                    break
                group.append(more)
                weight += more.weight
            self._commit(group)
            if end:
                return

    def _commit(self, group: list[Job]) -> None:
        outcomes = self._try(group)
        if outcomes is None:
            for job in group:
                self._commit([job])
            return
        boxes: dict[Box, list[tuple[Any, Any]]] = {}
        for job, outcome in zip(group, outcomes, strict=True):
            if job.box is not None:
                boxes.setdefault(job.box, []).append((job.slot, outcome))
        for box, pairs in boxes.items():
            box.deliver(pairs)
        if self._hub.watched:
            for job, outcome in zip(group, outcomes, strict=True):
                if job.ref is not None and isinstance(outcome, Reply) and outcome.changed:
                    self._hub.publish(job.ref)

    def _try(self, group: list[Job]) -> list[Any] | None:
        """Do a group in one transaction; None when it failed and its jobs are to be done one by one."""
        try:
            self._begin()
        except sqlite3.Error as error:
            return [map_error(error, self._settings.path)] * len(group)
        try:
            outcomes = [self._outcome(job) for job in group]
            self._con.execute("commit")
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers must hear of it
            self._rollback()
            failing_disk = (
                isinstance(error, sqlite3.Error)
                and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
            )
            if len(group) > 1 and not failing_disk:
                return None
            if isinstance(error, sqlite3.Error):
                error = map_error(error, self._settings.path)
            return [error] * len(group)
        return outcomes

    def _outcome(self, job: Job) -> Any:
        try:
            return job.work(self._con)
        except ThreadkeepError as error:  # raised by the semantics before it wrote anything
            return error

    def _rollback(self) -> None:
        if self._con.in_transaction:
            try:
                self._con.execute("rollback")
            except sqlite3.Error:
                # SQLite has rolled back by itself; the next begin says what is left to say.
                return

    def _begin(self) -> None:
        """Take the write lock; SQLite's own waiting starves a writer for seconds where others are busy.

        Who has waited long asks more often, so that nobody is left behind.
        """
        begun = time.monotonic()
        while True:
            try:
                self._con.execute("begin immediate")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                waited = time.monotonic() - begun
                if waited > self._settings.timeout:
                    raise
                pause = max(SHORTEST_PAUSE, LONGEST_PAUSE - waited / 20)
                time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
            else:
                return
