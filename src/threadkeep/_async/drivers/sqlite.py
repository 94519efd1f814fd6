"""The SQLite driver: small reads inline, large ones in a thread, writes in the writer thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from threadkeep._async.drivers.watching import revisions
from threadkeep.concurrency import AsyncFlow, AsyncHome, AsyncMailbox, AsyncPace
from threadkeep.engines.sql.migrate import Migration, Phase, Schema
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.engines.sql.sqlite.core import Core, TooHeavy
from threadkeep.engines.sql.sqlite.inspect import Inspection, inspect
from threadkeep.engines.sql.sqlite.schema import examine, migrate, script
from threadkeep.engines.sql.sqlite.writer import Job
from threadkeep.errors import Forbidden, Unavailable
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply


class AsyncSqliteEngine:
    """Keep entities in an SQLite file, which several processes may share, or in a database in memory."""

    def __init__(self, settings: Settings, now: Callable[[], int], limits: Limits) -> None:
        self._core = Core(settings, now, limits)
        self._home = AsyncHome()
        self._pace = AsyncPace()
        self._box: AsyncMailbox | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Say what it can do; final after `setup`."""
        return self._core.capabilities

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "threadkeep-reader")
        return self._pool

    async def setup(self) -> None:
        """Open the file and migrate or verify its schema. Raises SchemaMismatch, Unavailable or Forbidden."""
        self._home.check()
        await AsyncFlow.apart(self._threads(), self._core.setup)
        self._box = AsyncMailbox()

    async def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity: one transaction, none of its own for small reads."""
        self._home.check()
        if self._pace.due():
            await self._pace.wait()
        try:
            reply = self._core.read(batch, heavy=False)
        except TooHeavy:
            call = partial(self._core.read, batch, heavy=True)
            reply = await AsyncFlow.apart(self._threads(), call)
        return await self._write(batch) if reply is None else reply

    async def _write(self, batch: Batch) -> Reply:
        """Run a batch in the writer; reads that were to renew a lease are answered even where they cannot."""
        try:
            return await self._do(self._core.job(batch))
        except (Unavailable, Forbidden):
            reply = None
            if not batch.writes:
                call = partial(self._core.read_frozen, batch)
                reply = await AsyncFlow.apart(self._threads(), call)
            if reply is None:
                raise
            return reply

    async def _do(self, job: Job) -> Any:
        if self._core.inline:
            return self._core.direct(job)
        assert self._box is not None  # noqa: S101 - set by setup
        slot = self._box.open()
        self._core.submit(job, self._box, slot)
        return await self._box.wait(slot)

    async def scan(self, query: Query) -> Page:
        """Return one page of a listing, read in a thread."""
        self._home.check()
        return await AsyncFlow.apart(self._threads(), partial(self._core.scan, query))

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        self._home.check()
        while True:
            claims, last = await self._do(self._core.claim_job(due))
            if claims or last:
                return claims

    async def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Yield the revision now and then after each change, also by other processes, coalesced."""
        self._home.check()
        self._core.watch_file()
        async for revision in revisions(self, self._core.hub, ref):
            yield revision

    async def inspect(self) -> Inspection:
        """Look at the file without changing it, also before `setup`."""
        call = partial(inspect, self._core.settings)
        return await AsyncFlow.apart(self._threads(), call)

    async def schema(self) -> Schema:
        """Return what is applied of the migrations, changing nothing, also before `setup`."""
        return await AsyncFlow.apart(self._threads(), partial(examine, self._core.settings))

    async def migrate(self, *phases: Phase) -> Schema:
        """Apply what is missing of these phases, in one transaction. Raises as `setup` does."""
        call = partial(migrate, self._core.settings, phases)
        return await AsyncFlow.apart(self._threads(), call)

    async def script(self, migrations: tuple[Migration, ...]) -> str:
        """Return what applies migrations and records them, for the shell of SQLite."""
        return script(migrations)

    async def aclose(self) -> None:
        """Finish what is queued and close the file; twice is fine. A forked process closes nothing."""
        if self._home.left:
            return
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await AsyncFlow.surely(pool, self._core.close)
            finally:
                pool.shutdown(wait=False)
