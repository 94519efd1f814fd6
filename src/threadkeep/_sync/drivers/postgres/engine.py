# Generated from src/threadkeep/_async/drivers/postgres/engine.py by scripts/unasync. Do not edit.
"""The engine on PostgreSQL: one call of a function in the server for a group of batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from random import random
from typing import Any

import msgspec
from msgspec.structs import replace
from psycopg import Connection

from threadkeep._sync.drivers.postgres.ear import Ear
from threadkeep._sync.drivers.postgres.lines import Lines
from threadkeep._sync.drivers.postgres.schema import examine, look, migrate
from threadkeep._sync.drivers.watching import revisions
from threadkeep.concurrency import Flow, Home, Lock, Pump
from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.migrate import Migration, Phase, Schema
from threadkeep.engines.sql.postgres.connections import Server
from threadkeep.engines.sql.postgres.errors import DRIVER, NO_LINE, is_lost, map_error, passes
from threadkeep.engines.sql.postgres.ledger import script
from threadkeep.engines.sql.postgres.listing import candidates, page_of
from threadkeep.engines.sql.postgres.names import Names
from threadkeep.engines.sql.postgres.program import (
    Job,
    claims_of,
    job_of,
    reply_of,
)
from threadkeep.engines.sql.postgres.short import SHORTS, Short, short_of
from threadkeep.engines.sql.postgres.statements import Statements
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply

LEAST, MOST, HEAVIEST = 32, 64, 1 << 20  # batches and bytes of a group
BOUNDLESS = (1 << 31) - 1  # what an integer of the server takes
TRIES = 20  # of a call that the server refused without having done anything


class PostgresEngine:
    """Keep entities in a PostgreSQL database, which any number of processes may share.

    `now`: microseconds, for tests; time is the server's without it.
    """

    def __init__(
        self,
        lines: Lines,
        limits: Limits,
        names: Names | None = None,
        *,
        now: Callable[[], int] | None = None,
    ) -> None:
        self._lines, self._limits, self._now = lines, limits, now
        self._names = names or Names()
        self._home = Home()
        self._lock = Lock()
        self._sql = Statements(self._names)
        self._hub = Hub()
        self._ear: Ear | None = None
        self._server: Server | None = None
        self._schema: int | None = None
        few = max(1, lines.settings.connections // 3)
        pump = partial(Pump[Any], width=few, least=LEAST, most=MOST, heaviest=HEAVIEST)
        self._shorts = {short: pump(partial(self._get, short), lambda _: 0) for short in SHORTS}
        self._reads = pump(self._read, Job.weigh)
        self._writes = pump(self._write, Job.weigh, key=Job.of)

    @property
    def capabilities(self) -> Capabilities:
        """Say what the server can do; final after `setup`."""
        server = self._server or Server("", "none", 0.0)
        return Capabilities(
            name="postgresql",
            durability=server.durability,
            clock=self._now is not None,
            remote=True,
            skew=server.skew,
            schema=self._schema,
            version=server.version,
        )

    def setup(self) -> None:
        """Connect and bring or hold the schema to this release's. Raises SchemaMismatch, Unavailable or Forbidden."""
        self._home.check()
        with self._lock:
            if self._server is not None:
                return
            with self._apart() as (con, server):
                schema = migrate(con, self._names, lambda schema: schema.opening)
            self._schema = schema.number
            self._sql = Statements(self._names)
            self._lines.open(self._kept() if server.direct else {})
            self._server = server

    @contextmanager
    def _apart(self) -> Generator[tuple[Connection[Any], Server]]:
        """Lend a connection for work on the schema, whose name is known from then on, and say what fails there."""
        try:
            with self._lines.direct() as con:
                server, self._names = examine(con, self._names)
                yield con, server
        except DRIVER as error:
            raise map_error(error, wrote=False) from error

    def schema(self) -> Schema:
        """Return what is applied of the migrations, changing nothing, also before `setup`."""
        with self._apart() as (con, _):
            return look(con, self._names)

    def migrate(self, *phases: Phase) -> Schema:
        """Apply what is missing of these phases, in one transaction. Raises as `setup` does."""
        with self._apart() as (con, _):
            return migrate(con, self._names, lambda schema: schema.due(phases))

    def script(self, migrations: tuple[Migration, ...]) -> str:
        """Return what applies migrations and records them, for psql."""
        with self._apart():
            return script(migrations, self._names)

    def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically, in one trip; one more where a read renews a lease."""
        self._home.check()
        if not batch.writes:
            self._writes.settle(batch.ref)  # what was cancelled has happened or not
        short = short_of(batch)
        if short is not None:
            reply = self._shorts[short].call(batch)
            if reply is not None:
                return reply
            return self._writes.call(job_of(batch))
        check(batch)
        job = job_of(batch)
        if not (batch.writes or batch.guards or batch.once):
            reply = self._reads.call(job)
            if reply is not None:
                return reply
        return self._writes.call(job)  # also what a read is to renew or reclaim

    def _get(self, short: Short, batches: list[Batch]) -> list[Any]:
        """Read in a short way."""
        args = (short.asked(batches), self._clock())
        try:
            rows = self._patiently(self._sql.short[short.name], args, again=True)
        except DRIVER as error:
            return [map_error(error, wrote=False)] * len(batches)
        return list(map(short.reply, batches, rows))

    def _read(self, jobs: list[Job]) -> list[Any]:
        args = ([job.text for job in jobs], self._clock())
        try:
            rows = self._patiently(self._sql.read, args)
        except DRIVER as error:
            return self._failed(jobs, error, self._read)
        return list(map(reply_of, jobs, rows))

    def _write(self, jobs: list[Job]) -> list[Any]:
        """Run a group in one transaction; where it fails, its batches one by one."""
        order = sorted(range(len(jobs)), key=lambda n: jobs[n].batch.ref)
        values = [value for n in order for value in jobs[n].values]
        args = self._group([jobs[n].text for n in order], values)
        try:
            rows = self._patiently(self._sql.apply, args)
        except DRIVER as error:
            return self._failed(jobs, error, self._write)
        outcomes: list[Any] = [None] * len(jobs)
        for n, row in zip(order, rows, strict=True):
            outcomes[n] = reply_of(jobs[n], row)
        return outcomes

    def _group(self, texts: list[str], values: list[bytes]) -> tuple[Any, ...]:
        fields, labels = (min(n, BOUNDLESS) for n in (self._limits.fields, self._limits.labels))
        some = values or [b""]  # an empty list would not say of what
        return f"[{','.join(texts)}]", some, fields, labels, self._clock()

    def _kept(self) -> dict[bytes, tuple[Any, ...]]:
        """Return what connections keep prepared, with arguments of the kind that they are called with."""
        sql, clock = self._sql, self._clock()
        return {
            **dict.fromkeys(sql.short.values(), ("[]", clock)),
            sql.read: (["{}"], clock),
            sql.apply: self._group([], []),
        }

    def _clock(self) -> int | None:
        return None if self._now is None else self._now()

    def _failed(
        self, jobs: list[Job], error: Exception, work: Callable[[list[Job]], list[Any]]
    ) -> list[Any]:
        """Run the batches of a group that the server refused one by one; of a lost one those that may be sent twice."""
        lost = is_lost(error)
        again = [replace(job, again=False) for job in jobs if job.again] if lost else []
        if isinstance(error, NO_LINE) or (not again and (lost or len(jobs) == 1)):
            return [map_error(error, wrote=job.batch.writes) for job in jobs]
        if not lost:
            return [outcome for job in jobs for outcome in work([job])]
        answered = iter(work(again))
        return [
            next(answered) if job.again else map_error(error, wrote=job.batch.writes)
            for job in jobs
        ]

    def _patiently(self, statement: bytes, args: Any, *, again: bool = False) -> list[Any]:
        """Make a call again while the server refuses it for the sake of another; `again`: once when lost too."""
        for attempt in range(TRIES):
            try:
                return self._lines.fetch(statement, args)
            except DRIVER as error:
                lost = is_lost(error)
                if not passes(error) and not (again and lost):
                    raise
                again = again and not lost
            Flow.sleep(0.002 * attempt * random())  # noqa: S311 - to keep rivals apart
        return self._lines.fetch(statement, args)

    def spaces(self) -> list[tuple[str, str]]:
        """Return the namespaces and kinds that anything stands in, sorted, in one trip."""
        self._home.check()
        return [(namespace, kind) for namespace, kind in self._lines.ask(self._sql.spaces, ())]

    def scan(self, query: Query) -> Page:
        """Return one page of a listing, in one trip."""
        self._home.check()
        asked = candidates(query)
        statement = self._sql.by_id if query.order == "id" else self._sql.newest
        ((*found,),) = self._lines.ask(statement, (asked, self._clock()))
        return page_of(query, found)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        self._home.check()
        ref = None if due.ref is None else msgspec.json.encode(due.ref).decode()
        args = (due.namespace, due.limit, due.lease, self._clock(), ref, due.token)
        while True:
            ((text, finished),) = self._lines.ask(self._sql.claim, args)
            claims = claims_of(text)
            if claims or finished:
                return tuple(claims)

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield the revision now and then after each change, also by other processes, coalesced."""
        self._home.check()
        with self._lock:
            if self._ear is None:
                self._ear = Ear(self._lines, self._sql, self._hub)
            ear = self._ear
        try:
            ear.add(ref)
            for revision in revisions(self, self._hub, ref):
                yield revision
        finally:
            ear.remove(ref)

    def close(self) -> None:
        """Finish what was begun and close the connections; twice is fine. A forked process closes nothing."""
        if self._home.left:
            return
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.close()
        for pump in (*self._shorts.values(), self._reads, self._writes):
            pump.stop()
        self._lines.close()
