"""The SQLite engine without its waiting: inline reads, jobs for the writer, listing, claiming."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from threadkeep.engines.apply import apply
from threadkeep.engines.notify import Hub
from threadkeep.engines.reads import read
from threadkeep.engines.sql.sqlite.connect import Settings, map_error, open_connection
from threadkeep.engines.sql.sqlite.light import LightView, TooHeavy
from threadkeep.engines.sql.sqlite.listing import list_page
from threadkeep.engines.sql.sqlite.poller import Poller
from threadkeep.engines.sql.sqlite.readers import Readers
from threadkeep.engines.sql.sqlite.schema import prepare, unsynced
from threadkeep.engines.sql.sqlite.view import SQL, SqliteView
from threadkeep.engines.sql.sqlite.writer import Job, Writer
from threadkeep.engines.tend import tend
from threadkeep.errors import Timeout
from threadkeep.model.leases import renewed
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.ops import Get
from threadkeep.ops.reply import Field, Fields, Reply

GET_ONE = SQL["get_one"]
_EMPTY = Reply(True, (Fields({}),))


class Core:
    """One database, shared by all threads of a process."""

    def __init__(self, settings: Settings, now: Callable[[], int], limits: Limits) -> None:
        self.settings = settings
        self.hub = Hub()
        self._now, self._limits = now, limits
        self._lock = threading.Lock()
        self._readers = Readers(settings)
        self._writer: Writer | None = None
        self._only: sqlite3.Connection | None = None  # of a database in memory
        self._poller: Poller | None = None
        self.schema = 0

    def setup(self) -> None:
        """Open the database and bring or hold it to this release's schema; twice is fine."""
        if self._only is not None or self._writer is not None:
            return
        try:
            con = open_connection(self.settings, write=True, wait=self.settings.timeout)
            try:
                self.schema = prepare(con, self.settings)
                con.execute("pragma busy_timeout = 0")  # from here on the writer waits by itself
            except BaseException:
                con.close()
                raise
        except sqlite3.Error as error:
            raise map_error(error, self.settings.path) from error
        except OSError as error:
            raise unsynced(self.settings, error) from error
        if self.settings.memory:
            self._only = con
        else:
            self._writer = Writer(con, self.settings, self.hub)
            self._write_con = con

    @property
    def capabilities(self) -> Capabilities:
        """Say what this database can do and promises."""
        kept = "power-loss" if self.settings.durability == "full" else "process"
        return Capabilities(
            name="sqlite",
            durability="none" if self.settings.memory else kept,
            processes=not self.settings.memory,
            clock=True,
            schema=self.schema or None,
            version=sqlite3.sqlite_version,
        )

    @contextmanager
    def _moment(self) -> Generator[sqlite3.Connection]:
        """Lend a connection inside a read transaction and say in our words what fails there."""
        try:
            if self._only is None:
                with self._readers.moment() as con:
                    yield con
                return
            with self._lock:
                yield self._only
        except sqlite3.Error as error:
            raise map_error(error, self.settings.path) from error

    def read(self, batch: Batch, *, heavy: bool) -> Reply | None:
        """Answer reads in this thread; None: it must be written. TooHeavy unless `heavy` is allowed."""
        if self.settings.mode == "ro":
            return self.read_frozen(batch)
        op = batch.ops[0] if len(batch.ops) == 1 else None
        if self._only is not None:
            return None
        try:
            if (
                type(op) is Get
                and op.fields is not None
                and len(op.fields) == 1
                and op.refs is None
                and op.values
                and not batch.guards
                and batch.once is None
            ):
                return self._get_one(batch.ref, op, op.fields[0], heavy=heavy)
            if batch.writes or batch.guards or batch.once:
                return None  # `job` checks it
            check(batch)
            return self._read_many(batch, heavy=heavy)
        except Timeout as error:
            if heavy:
                raise
            raise TooHeavy from error

    def read_frozen(self, batch: Batch) -> Reply | None:
        """Answer reads where nothing can be written; None when the batch writes."""
        check(batch)
        with self._moment() as con:
            return read(SqliteView(con, batch.ref), batch, self._now(), frozen=True)

    def _row(self, sql: str, asked: tuple[str, ...]) -> tuple[Any, ...] | None:
        try:
            con = self._readers.take()
            try:
                return con.execute(sql, asked).fetchone()
            finally:
                self._readers.give(con)
        except sqlite3.Error as error:
            raise map_error(error, self.settings.path) from error

    def _get_one(self, ref: Ref, op: Get, name: str, *, heavy: bool) -> Reply | None:
        found = self._row(GET_ONE, (op.map, name, ref.namespace, ref.kind, ref.id))
        if found is None:
            return _EMPTY
        revision, epoch, updated, window, end, due, value, size, rev, win, expires, refs = found
        if due is not None or window is not None or win is not None:
            now = max(self._now(), updated)
            if end is not None and (end <= now or (due is not None and due > end)):
                return None
            if due is not None and due <= now:
                return None
            if op.renew and renewed(window, end, now) is not None:
                return None
            if op.renew and renewed(win, expires, now) is not None:
                return None
        if size is None:
            return Reply(True, (Fields({}),), revision, epoch)
        if value is None and not heavy:
            raise TooHeavy
        if value is None or refs is not None:
            return self._read_many(Batch(ref, (op,)), heavy=heavy)
        return Reply(
            True, (Fields({name: Field(value, rev, win, expires, (), size)}),), revision, epoch
        )

    def _read_many(self, batch: Batch, *, heavy: bool) -> Reply | None:
        with self._moment() as con:
            view = (SqliteView if heavy else LightView)(con, batch.ref)
            return read(view, batch, self._now())

    def job(self, batch: Batch) -> Job:
        """Return the job that runs a batch in the writer."""
        check(batch)
        ref, now, limits = batch.ref, self._now, self._limits
        return Job(lambda con: apply(SqliteView(con, ref), batch, now(), limits), ref, batch.weight)

    def claim_job(self, due: Due) -> Job:
        """Return the job that claims what is due."""
        return Job(lambda con: self._claim(con, due), None, 0)

    def _claim(self, con: sqlite3.Connection, due: Due) -> tuple[tuple[Claim, ...], bool]:
        """Return claims and whether nothing more is due."""
        now = self._now()
        con.execute(
            SQL["delete_tombstones"], (now, due.ref.namespace if due.ref else due.namespace)
        )
        claims: list[Claim] = []
        if due.ref is not None:
            mine = due.namespace in (None, due.ref.namespace)
            refs, last = [due.ref] if mine else [], True
        else:
            space = due.namespace
            found = con.execute(SQL["due"], (now, space, space, due.limit * 8)).fetchall()
            refs, last = [Ref(*record) for record in found], len(found) < due.limit * 8
        for ref in refs:
            claim = tend(SqliteView(con, ref), ref, now, due)
            if claim is not None:
                claims.append(claim)
            if len(claims) >= due.limit:
                break
        return tuple(claims), last

    def scan(self, query: Query) -> Page:
        """Return one page of a listing, read in this thread."""
        with self._moment() as con:
            return list_page(con, query, self._now())

    def submit(self, job: Job, box: Any, slot: Any) -> None:
        """Hand a job to the writer; on a database in memory it is done here."""
        job.box, job.slot = box, slot
        if self._writer is not None:
            self._writer.submit(job)

    def direct(self, job: Job) -> Any:
        """Do a job here and now: for a database in memory."""
        con = self._only
        assert con is not None  # noqa: S101 - the driver asks first
        with self._lock:
            con.execute("begin")
            try:
                result = job.work(con)
            except BaseException:
                con.execute("rollback")
                raise
            con.execute("commit")
        if isinstance(result, Reply) and result.changed and job.ref is not None:
            self.hub.publish(job.ref)
        return result

    def watch_file(self) -> None:
        """See from now on what other processes write."""
        with self._lock:
            if self._poller is None and not self.settings.memory:
                self._poller = Poller(self.settings, self.hub)

    @property
    def inline(self) -> bool:
        """Tell whether jobs are done in the caller's thread."""
        return self._only is not None

    def close(self) -> None:
        """Finish what is queued and close every connection."""
        if self._poller is not None:
            self._poller.stop()
        if self._writer is not None:
            self._writer.close()
            self._write_con.close()
        self._readers.close()
        with self._lock:
            if self._only is not None:
                self._only.close()
