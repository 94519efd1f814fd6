"""The engine on MySQL and MariaDB: a group of batches in two packets, decided in between."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from random import random
from typing import Any, Final

from msgspec.structs import replace

from threadkeep._async.drivers.mysql.lines import LIVES, AsyncLines
from threadkeep._async.drivers.mysql.poller import AsyncPoller
from threadkeep._async.drivers.mysql.schema import examine, look, migrate
from threadkeep._async.drivers.watching import revisions
from threadkeep.concurrency import AsyncFlow, AsyncHome, AsyncLock, AsyncPump
from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.migrate import Migration, Phase, Schema
from threadkeep.engines.sql.mysql.errors import (
    LOCK_WAIT,
    PASSING,
    Failed,
    Lost,
    Trouble,
    in_our_words,
    map_error,
)
from threadkeep.engines.sql.mysql.gets import Getting, asked_field
from threadkeep.engines.sql.mysql.ledger import script
from threadkeep.engines.sql.mysql.links import AsyncLink
from threadkeep.engines.sql.mysql.listing import Counting, Listing, Spaces
from threadkeep.engines.sql.mysql.need import Need
from threadkeep.engines.sql.mysql.program import (
    Claiming,
    Job,
    Reading,
    Terms,
    Writing,
    job_of,
    with_more,
)
from threadkeep.engines.sql.mysql.settings import Server
from threadkeep.engines.sql.mysql.view import Unread
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply

MOST, HEAVIEST = 64, 1 << 20  # batches and bytes of a group
TRIES: Final = 20  # of a group that the server refused without having done anything


class AsyncMysqlEngine:
    """Keep entities in a MySQL or MariaDB database, which any number of processes may share.

    `now`: microseconds, for tests; time is the server's without it.
    """

    def __init__(
        self, lines: AsyncLines, limits: Limits, *, now: Callable[[], int] | None = None
    ) -> None:
        self._lines, self._limits, self._now = lines, limits, now
        self._home = AsyncHome()
        self._lock = AsyncLock()
        self._hub = Hub()
        self._poller: AsyncPoller | None = None
        self._server: Server | None = None
        self._schema: int | None = None
        self._terms = Terms(limits, lines.settings.stall, True)
        few = max(1, lines.settings.connections // 3)
        self._gets = AsyncPump(self._get, lambda _: 0, width=few, most=MOST, heaviest=HEAVIEST)
        self._reads = AsyncPump(self._read, lambda _: 0, width=few, most=MOST, heaviest=HEAVIEST)
        self._writes = AsyncPump(
            self._write, lambda job: job.weight, width=few, most=MOST, heaviest=HEAVIEST
        )

    @property
    def capabilities(self) -> Capabilities:
        """Say what the server can do; final after `setup`."""
        server = self._server or Server()
        return Capabilities(
            name="mariadb" if server.mariadb else "mysql",
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
            with in_our_words():
                link = await AsyncLink.open(self._lines.settings)
                try:
                    server = await examine(link, self._limits)
                    schema = await migrate(link, lambda schema: schema.opening)
                except BaseException:
                    link.drop()
                    raise
                self._lines.keep(link)
            self._terms = replace(self._terms, mariadb=server.mariadb)
            self._server, self._schema = server, schema.number

    @asynccontextmanager
    async def _apart(self) -> AsyncGenerator[AsyncLink]:
        """Lend a connection for work on the schema and say what fails there."""
        with in_our_words():
            async with aclosing(await AsyncLink.open(self._lines.settings)) as link:
                await examine(link, self._limits)
                yield link

    async def schema(self) -> Schema:
        """Return what is applied of the migrations, changing nothing, also before `setup`."""
        async with self._apart() as link:
            return await look(link)

    async def migrate(self, *phases: Phase) -> Schema:
        """Apply what is missing of these phases. Raises as `setup` does."""
        async with self._apart() as link:
            return await migrate(link, lambda schema: schema.due(phases))

    async def script(self, migrations: tuple[Migration, ...]) -> str:
        """Return what applies migrations and records them, for the shell of MySQL or MariaDB."""
        return script(migrations)

    def _clock(self) -> int | None:
        return None if self._now is None else self._now()

    async def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically, in two trips; reads take one, two more where a lease is renewed."""
        self._home.check()
        if asked_field(batch) is not None:
            reply = await self._gets.call(batch)
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

    async def _get(self, batches: list[Batch]) -> list[Any]:
        """Read one field of each entity."""
        getting = Getting(batches, self._clock())
        try:
            await self._patiently(lambda: self._lines.ask(getting.packet))
        except Trouble as error:
            return [map_error(error, wrote=False)] * len(batches)
        return getting.outcomes()

    async def _read(self, jobs: list[Job]) -> list[Any]:
        reading = Reading(jobs, self._clock())
        try:
            await self._patiently(lambda: self._lines.ask(reading.packet))
        except Trouble as error:
            return await self._failed(jobs, error, self._read)
        return await self._whole(jobs, reading.outcomes(), self._read)

    async def _write(self, jobs: list[Job]) -> list[Any]:
        """Run a group in one transaction; where it fails, its batches one by one."""
        outcomes: list[Any] = []

        async def once() -> None:
            writing = Writing(jobs, self._clock(), self._terms)
            await self._lines.transact(writing.first, writing.decide)
            outcomes[:] = writing.outcomes

        try:
            await self._patiently(once)
        except Trouble as error:
            return await self._failed(jobs, error, self._write)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Reply) and outcome.changed:
                self._hub.publish(job.batch.ref)
        return await self._whole(jobs, outcomes, self._write)

    async def _whole(
        self,
        jobs: list[Job],
        outcomes: list[Any],
        work: Callable[[list[Job]], Awaitable[list[Any]]],
    ) -> list[Any]:
        """Run what asked for more than was read again, with that too."""
        short = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Unread)]
        if short:
            found = await work([with_more(jobs[n], outcomes[n]) for n in short])
            for n, outcome in zip(short, found, strict=True):
                outcomes[n] = outcome
        return outcomes

    async def _failed(
        self, jobs: list[Job], error: Exception, work: Callable[[list[Job]], Awaitable[list[Any]]]
    ) -> list[Any]:
        """Run the batches of a group that the server refused one by one; of a lost one those that may be sent twice."""
        if not isinstance(error, Lost):
            if len(jobs) == 1:
                return [map_error(error, wrote=False)]
            return [outcome for job in jobs for outcome in await work([job])]
        again = [replace(job, again=False) for job in jobs if job.again] if error.sent else []
        answered = iter(await work(again) if again else [])
        lost = map_error(error, wrote=error.sent)
        return [next(answered) if again and job.again else lost for job in jobs]

    async def _patiently(self, call: Callable[[], Awaitable[None]]) -> None:
        """Make a call again while nothing of it was done, for the sake of another or of a lost connection."""
        lives, waits = LIVES, 1
        for attempt in range(TRIES):
            try:
                return await call()
            except Failed as error:
                waits -= error.code == LOCK_WAIT
                if waits < 0 or error.code not in {*PASSING, LOCK_WAIT}:
                    raise
            except Lost as error:
                lives -= 1
                if error.sent or not lives:
                    raise
            await AsyncFlow.sleep(0.002 * attempt * random())  # noqa: S311 - to keep rivals apart
        return await call()

    async def spaces(self) -> list[tuple[str, str]]:
        """Return the namespaces and kinds that anything stands in, sorted, in one trip."""
        self._home.check()
        spaces = Spaces()
        with in_our_words():
            await self._lines.ask(spaces.packet)
        return spaces.found

    async def scan(self, query: Query) -> Page:
        """Return one page of a listing, in one trip; in two where several labels are asked for."""
        self._home.check()
        labels = query.labels
        with in_our_words():
            if len(labels) > 1:
                counting = Counting(query)
                await self._lines.ask(counting.packet)
                labels = counting.rarest_first()
            listing = Listing(query, labels, self._clock())
            await self._lines.ask(listing.packet)
        return listing.page()

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        self._home.check()
        if due.ref is not None and due.namespace not in {None, due.ref.namespace}:
            return ()
        while True:
            claiming = await self._claim(due, None)
            claims = list(claiming.claims)
            for ref, need in claiming.unread.items():
                claims += (await self._claim(replace(due, ref=ref), need)).claims
            if claims or claiming.finished:
                return tuple(claims)

    async def _claim(self, due: Due, need: Need | None) -> Claiming:
        made: list[Claiming] = []

        async def once() -> None:
            made[:] = [Claiming(due, self._clock(), self._terms, need)]
            await self._lines.transact(made[0].first, made[0].decide)

        try:
            await self._patiently(once)
        except Trouble as error:
            raise map_error(error, wrote=True) from error
        return made[0]

    async def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Yield the revision now and then after each change, also by other processes, coalesced."""
        self._home.check()
        if self._poller is None:
            self._poller = AsyncPoller(self._lines, self._hub)
        poller = self._poller
        poller.add(ref)
        try:
            async for revision in revisions(self, self._hub, ref):
                yield revision
        finally:
            poller.remove(ref)

    async def aclose(self) -> None:
        """Finish what was begun and close the connections; twice is fine. A forked process closes nothing."""
        if self._home.left:
            return
        poller, self._poller = self._poller, None
        if poller is not None:
            await poller.aclose()
        for pump in (self._gets, self._reads, self._writes):
            await pump.stop()
        await self._lines.aclose()
