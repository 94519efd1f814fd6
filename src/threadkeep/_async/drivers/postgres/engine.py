"""The engine on PostgreSQL: one call of a function in the server for a group of batches."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from random import random
from typing import Any

import msgspec
from msgspec.structs import replace
from psycopg import AsyncConnection

from threadkeep._async.drivers.postgres.ear import AsyncEar
from threadkeep._async.drivers.postgres.lines import AsyncLines
from threadkeep._async.drivers.postgres.schema import examine, look, migrate
from threadkeep._async.drivers.watching import revisions
from threadkeep.concurrency import AsyncFlow, AsyncHome, AsyncLock, AsyncPump
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


class AsyncPostgresEngine:
    """Keep entities in a PostgreSQL database, which any number of processes may share.

    `now`: microseconds, for tests; time is the server's without it.
    """

    def __init__(
        self,
        lines: AsyncLines,
        limits: Limits,
        names: Names | None = None,
        *,
        now: Callable[[], int] | None = None,
    ) -> None:
        self._lines, self._limits, self._now = lines, limits, now
        self._names = names or Names()
        self._home = AsyncHome()
        self._lock = AsyncLock()
        self._sql = Statements(self._names)
        self._hub = Hub()
        self._ear: AsyncEar | None = None
        self._server: Server | None = None
        self._schema: int | None = None
        few = max(1, lines.settings.connections // 3)
        pump = partial(AsyncPump[Any], width=few, least=LEAST, most=MOST, heaviest=HEAVIEST)
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

    async def setup(self) -> None:
        """Connect and bring or hold the schema to this release's. Raises SchemaMismatch, Unavailable or Forbidden."""
        self._home.check()
        async with self._lock:
            if self._server is not None:
                return
            async with self._apart() as (con, server):
                schema = await migrate(con, self._names, lambda schema: schema.opening)
            self._schema = schema.number
            self._sql = Statements(self._names)
            await self._lines.open(self._kept() if server.direct else {})
            self._server = server

    @asynccontextmanager
    async def _apart(self) -> AsyncGenerator[tuple[AsyncConnection[Any], Server]]:
        """Lend a connection for work on the schema, whose name is known from then on, and say what fails there."""
        try:
            async with self._lines.direct() as con:
                server, self._names = await examine(con, self._names)
                yield con, server
        except DRIVER as error:
            raise map_error(error, wrote=False) from error

    async def schema(self) -> Schema:
        """Return what is applied of the migrations, changing nothing, also before `setup`."""
        async with self._apart() as (con, _):
            return await look(con, self._names)

    async def migrate(self, *phases: Phase) -> Schema:
        """Apply what is missing of these phases, in one transaction. Raises as `setup` does."""
        async with self._apart() as (con, _):
            return await migrate(con, self._names, lambda schema: schema.due(phases))

    async def script(self, migrations: tuple[Migration, ...]) -> str:
        """Return what applies migrations and records them, for psql."""
        async with self._apart():
            return script(migrations, self._names)

    async def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically, in one trip; one more where a read renews a lease."""
        self._home.check()
        if not batch.writes:
            await self._writes.settle(batch.ref)  # what was cancelled has happened or not
        short = short_of(batch)
        if short is not None:
            reply = await self._shorts[short].call(batch)
            if reply is not None:
                return reply
            return await self._writes.call(job_of(batch))
        check(batch)
        job = job_of(batch)
        if not (batch.writes or batch.guards or batch.once):
            reply = await self._reads.call(job)
            if reply is not None:
                return reply
        return await self._writes.call(job)  # also what a read is to renew or reclaim

    async def _get(self, short: Short, batches: list[Batch]) -> list[Any]:
        """Read in a short way."""
        args = (short.asked(batches), self._clock())
        try:
            rows = await self._patiently(self._sql.short[short.name], args, again=True)
        except DRIVER as error:
            return [map_error(error, wrote=False)] * len(batches)
        return list(map(short.reply, batches, rows))

    async def _read(self, jobs: list[Job]) -> list[Any]:
        args = ([job.text for job in jobs], self._clock())
        try:
            rows = await self._patiently(self._sql.read, args)
        except DRIVER as error:
            return await self._failed(jobs, error, self._read)
        return list(map(reply_of, jobs, rows))

    async def _write(self, jobs: list[Job]) -> list[Any]:
        """Run a group in one transaction; where it fails, its batches one by one."""
        order = sorted(range(len(jobs)), key=lambda n: jobs[n].batch.ref)
        values = [value for n in order for value in jobs[n].values]
        args = self._group([jobs[n].text for n in order], values)
        try:
            rows = await self._patiently(self._sql.apply, args)
        except DRIVER as error:
            return await self._failed(jobs, error, self._write)
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

    async def _failed(
        self, jobs: list[Job], error: Exception, work: Callable[[list[Job]], Awaitable[list[Any]]]
    ) -> list[Any]:
        """Run the batches of a group that the server refused one by one; of a lost one those that may be sent twice."""
        lost = is_lost(error)
        again = [replace(job, again=False) for job in jobs if job.again] if lost else []
        if isinstance(error, NO_LINE) or (not again and (lost or len(jobs) == 1)):
            return [map_error(error, wrote=job.batch.writes) for job in jobs]
        if not lost:
            return [outcome for job in jobs for outcome in await work([job])]
        answered = iter(await work(again))
        return [
            next(answered) if job.again else map_error(error, wrote=job.batch.writes)
            for job in jobs
        ]

    async def _patiently(self, statement: bytes, args: Any, *, again: bool = False) -> list[Any]:
        """Make a call again while the server refuses it for the sake of another; `again`: once when lost too."""
        for attempt in range(TRIES):
            try:
                return await self._lines.fetch(statement, args)
            except DRIVER as error:
                lost = is_lost(error)
                if not passes(error) and not (again and lost):
                    raise
                again = again and not lost
            await AsyncFlow.sleep(0.002 * attempt * random())  # noqa: S311 - to keep rivals apart
        return await self._lines.fetch(statement, args)

    async def spaces(self) -> list[tuple[str, str]]:
        """Return the namespaces and kinds that anything stands in, sorted, in one trip."""
        self._home.check()
        return [
            (namespace, kind) for namespace, kind in await self._lines.ask(self._sql.spaces, ())
        ]

    async def scan(self, query: Query) -> Page:
        """Return one page of a listing, in one trip."""
        self._home.check()
        asked = candidates(query)
        statement = self._sql.by_id if query.order == "id" else self._sql.newest
        ((*found,),) = await self._lines.ask(statement, (asked, self._clock()))
        return page_of(query, found)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        self._home.check()
        ref = None if due.ref is None else msgspec.json.encode(due.ref).decode()
        args = (due.namespace, due.limit, due.lease, self._clock(), ref, due.token)
        while True:
            ((text, finished),) = await self._lines.ask(self._sql.claim, args)
            claims = claims_of(text)
            if claims or finished:
                return tuple(claims)

    async def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Yield the revision now and then after each change, also by other processes, coalesced."""
        self._home.check()
        async with self._lock:
            if self._ear is None:
                self._ear = AsyncEar(self._lines, self._sql, self._hub)
            ear = self._ear
        try:
            await ear.add(ref)
            async for revision in revisions(self, self._hub, ref):
                yield revision
        finally:
            ear.remove(ref)

    async def aclose(self) -> None:
        """Finish what was begun and close the connections; twice is fine. A forked process closes nothing."""
        if self._home.left:
            return
        ear, self._ear = self._ear, None
        if ear is not None:
            await ear.aclose()
        for pump in (*self._shorts.values(), self._reads, self._writes):
            await pump.stop()
        await self._lines.aclose()
