# Generated from src/threadkeep/_async/drivers/mysql/engine.py by scripts/unasync. Do not edit.
"""The engine on MySQL and MariaDB: a group of batches in two packets, decided in between."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from random import random
from typing import Any, Final

from msgspec.structs import replace

from threadkeep._sync.drivers.mysql.lines import LIVES, Lines
from threadkeep._sync.drivers.mysql.poller import Poller
from threadkeep._sync.drivers.mysql.schema import examine, look, migrate
from threadkeep._sync.drivers.watching import revisions
from threadkeep.concurrency import Flow, Home, Lock, Pump
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
from threadkeep.engines.sql.mysql.links import Link
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


class MysqlEngine:
    """Keep entities in a MySQL or MariaDB database, which any number of processes may share.

    `now`: microseconds, for tests; time is the server's without it.
    """

    def __init__(
        self, lines: Lines, limits: Limits, *, now: Callable[[], int] | None = None
    ) -> None:
        self._lines, self._limits, self._now = lines, limits, now
        self._home = Home()
        self._lock = Lock()
        self._hub = Hub()
        self._poller: Poller | None = None
        self._server: Server | None = None
        self._schema: int | None = None
        self._terms = Terms(limits, lines.settings.stall, True)
        few = max(1, lines.settings.connections // 3)
        self._gets = Pump(self._get, lambda _: 0, width=few, most=MOST, heaviest=HEAVIEST)
        self._reads = Pump(self._read, lambda _: 0, width=few, most=MOST, heaviest=HEAVIEST)
        self._writes = Pump(
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

    def setup(self) -> None:
        """Connect and bring or hold the schema to this release's. Raises SchemaMismatch, Unavailable or Forbidden."""
        self._home.check()
        with self._lock:
            if self._server is not None:
                return
            with in_our_words():
                link = Link.open(self._lines.settings)
                try:
                    server = examine(link, self._limits)
                    schema = migrate(link, lambda schema: schema.opening)
                except BaseException:
                    link.drop()
                    raise
                self._lines.keep(link)
            self._terms = replace(self._terms, mariadb=server.mariadb)
            self._server, self._schema = server, schema.number

    @contextmanager
    def _apart(self) -> Generator[Link]:
        """Lend a connection for work on the schema and say what fails there."""
        with in_our_words():
            with closing(Link.open(self._lines.settings)) as link:
                examine(link, self._limits)
                yield link

    def schema(self) -> Schema:
        """Return what is applied of the migrations, changing nothing, also before `setup`."""
        with self._apart() as link:
            return look(link)

    def migrate(self, *phases: Phase) -> Schema:
        """Apply what is missing of these phases. Raises as `setup` does."""
        with self._apart() as link:
            return migrate(link, lambda schema: schema.due(phases))

    def script(self, migrations: tuple[Migration, ...]) -> str:
        """Return what applies migrations and records them, for the shell of MySQL or MariaDB."""
        return script(migrations)

    def _clock(self) -> int | None:
        return None if self._now is None else self._now()

    def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity, atomically, in two trips; reads take one, two more where a lease is renewed."""
        self._home.check()
        if asked_field(batch) is not None:
            reply = self._gets.call(batch)
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

    def _get(self, batches: list[Batch]) -> list[Any]:
        """Read one field of each entity."""
        getting = Getting(batches, self._clock())
        try:
            self._patiently(lambda: self._lines.ask(getting.packet))
        except Trouble as error:
            return [map_error(error, wrote=False)] * len(batches)
        return getting.outcomes()

    def _read(self, jobs: list[Job]) -> list[Any]:
        reading = Reading(jobs, self._clock())
        try:
            self._patiently(lambda: self._lines.ask(reading.packet))
        except Trouble as error:
            return self._failed(jobs, error, self._read)
        return self._whole(jobs, reading.outcomes(), self._read)

    def _write(self, jobs: list[Job]) -> list[Any]:
        """Run a group in one transaction; where it fails, its batches one by one."""
        outcomes: list[Any] = []

        def once() -> None:
            writing = Writing(jobs, self._clock(), self._terms)
            self._lines.transact(writing.first, writing.decide)
            outcomes[:] = writing.outcomes

        try:
            self._patiently(once)
        except Trouble as error:
            return self._failed(jobs, error, self._write)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Reply) and outcome.changed:
                self._hub.publish(job.batch.ref)
        return self._whole(jobs, outcomes, self._write)

    def _whole(
        self,
        jobs: list[Job],
        outcomes: list[Any],
        work: Callable[[list[Job]], list[Any]],
    ) -> list[Any]:
        """Run what asked for more than was read again, with that too."""
        short = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Unread)]
        if short:
            found = work([with_more(jobs[n], outcomes[n]) for n in short])
            for n, outcome in zip(short, found, strict=True):
                outcomes[n] = outcome
        return outcomes

    def _failed(
        self, jobs: list[Job], error: Exception, work: Callable[[list[Job]], list[Any]]
    ) -> list[Any]:
        """Run the batches of a group that the server refused one by one; of a lost one those that may be sent twice."""
        if not isinstance(error, Lost):
            if len(jobs) == 1:
                return [map_error(error, wrote=False)]
            return [outcome for job in jobs for outcome in work([job])]
        again = [replace(job, again=False) for job in jobs if job.again] if error.sent else []
        answered = iter(work(again) if again else [])
        lost = map_error(error, wrote=error.sent)
        return [next(answered) if again and job.again else lost for job in jobs]

    def _patiently(self, call: Callable[[], None]) -> None:
        """Make a call again while nothing of it was done, for the sake of another or of a lost connection."""
        lives, waits = LIVES, 1
        for attempt in range(TRIES):
            try:
                return call()
            except Failed as error:
                waits -= error.code == LOCK_WAIT
                if waits < 0 or error.code not in {*PASSING, LOCK_WAIT}:
                    raise
            except Lost as error:
                lives -= 1
                if error.sent or not lives:
                    raise
            Flow.sleep(0.002 * attempt * random())  # noqa: S311 - to keep rivals apart
        return call()

    def spaces(self) -> list[tuple[str, str]]:
        """Return the namespaces and kinds that anything stands in, sorted, in one trip."""
        self._home.check()
        spaces = Spaces()
        with in_our_words():
            self._lines.ask(spaces.packet)
        return spaces.found

    def scan(self, query: Query) -> Page:
        """Return one page of a listing, in one trip; in two where several labels are asked for."""
        self._home.check()
        labels = query.labels
        with in_our_words():
            if len(labels) > 1:
                counting = Counting(query)
                self._lines.ask(counting.packet)
                labels = counting.rarest_first()
            listing = Listing(query, labels, self._clock())
            self._lines.ask(listing.packet)
        return listing.page()

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere."""
        self._home.check()
        if due.ref is not None and due.namespace not in {None, due.ref.namespace}:
            return ()
        while True:
            claiming = self._claim(due, None)
            claims = list(claiming.claims)
            for ref, need in claiming.unread.items():
                claims += (self._claim(replace(due, ref=ref), need)).claims
            if claims or claiming.finished:
                return tuple(claims)

    def _claim(self, due: Due, need: Need | None) -> Claiming:
        made: list[Claiming] = []

        def once() -> None:
            made[:] = [Claiming(due, self._clock(), self._terms, need)]
            self._lines.transact(made[0].first, made[0].decide)

        try:
            self._patiently(once)
        except Trouble as error:
            raise map_error(error, wrote=True) from error
        return made[0]

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield the revision now and then after each change, also by other processes, coalesced."""
        self._home.check()
        if self._poller is None:
            self._poller = Poller(self._lines, self._hub)
        poller = self._poller
        poller.add(ref)
        try:
            for revision in revisions(self, self._hub, ref):
                yield revision
        finally:
            poller.remove(ref)

    def close(self) -> None:
        """Finish what was begun and close the connections; twice is fine. A forked process closes nothing."""
        if self._home.left:
            return
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.close()
        for pump in (self._gets, self._reads, self._writes):
            pump.stop()
        self._lines.close()
