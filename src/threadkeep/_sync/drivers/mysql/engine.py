# Generated from src/threadkeep/_async/drivers/mysql/engine.py by scripts/unasync. Do not edit.
"""The engine on MySQL and MariaDB: a group of batches in two packets, decided in between."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from msgspec.structs import replace

from threadkeep._sync.drivers.mysql.groups import Groups
from threadkeep._sync.drivers.mysql.lines import Lines
from threadkeep._sync.drivers.mysql.poller import Poller
from threadkeep._sync.drivers.mysql.schema import examine, look, migrate
from threadkeep._sync.drivers.watching import revisions
from threadkeep.concurrency import Home, Lock, Pump
from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.migrate import Migration, Phase, Schema
from threadkeep.engines.sql.mysql.errors import (
    Trouble,
    in_our_words,
    map_error,
)
from threadkeep.engines.sql.mysql.gets import asked_field
from threadkeep.engines.sql.mysql.ledger import script
from threadkeep.engines.sql.mysql.links import Link
from threadkeep.engines.sql.mysql.listing import Counting, Listing, Spaces
from threadkeep.engines.sql.mysql.need import Need
from threadkeep.engines.sql.mysql.program import (
    Claiming,
    Job,
    Terms,
    job_of,
)
from threadkeep.engines.sql.mysql.settings import Server
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.reply import Reply

LEAST, MOST, HEAVIEST = 32, 64, 1 << 20  # batches and bytes of a group


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
        terms = Terms(limits, lines.settings.stall, True)
        groups = self._groups = Groups(lines, self._hub, self._clock, terms)
        few = max(1, lines.settings.connections // 3)
        pump = partial(Pump[Any], width=few, least=LEAST, most=MOST, heaviest=HEAVIEST)
        self._gets = pump(groups.get, lambda _: 0)
        self._reads = pump(groups.read, lambda _: 0)
        self._writes = pump(groups.write, Job.weigh, key=Job.of)

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
            self._groups.terms = replace(self._groups.terms, mariadb=server.mariadb)
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
        if not batch.writes:
            self._writes.settle(batch.ref)  # what was cancelled has happened or not
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

    def amend(self, batch: Batch, then: Callable[[Reply], Batch]) -> Reply:
        """Read an entity and run on it what `then` makes of that, atomically, in two trips. Returns the latter's reply.

        `then` is called while the entity is locked, and again where the server asks for it: it is to be quick and pure.
        """
        self._home.check()
        check(batch)
        return self._writes.call(replace(job_of(batch), then=then, again=False))

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
            made[:] = [Claiming(due, self._clock(), self._groups.terms, need)]
            self._lines.transact(made[0].first, made[0].decide)

        try:
            self._groups.patiently(once)
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
