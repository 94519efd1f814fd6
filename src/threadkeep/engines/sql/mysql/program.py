"""A group of batches between its packets: what is asked first, what is decided, what is written then. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from threadkeep.engines.apply import apply
from threadkeep.engines.reads import read
from threadkeep.engines.sql.mysql.load import Loading
from threadkeep.engines.sql.mysql.need import Need, needs_of
from threadkeep.engines.sql.mysql.packet import Packet, Row, clock
from threadkeep.engines.sql.mysql.rows import COLUMNS, place, to_facts
from threadkeep.engines.sql.mysql.view import LoadedView, Unread
from threadkeep.engines.sql.mysql.writes import write_all
from threadkeep.engines.tend import tend
from threadkeep.errors import ThreadkeepError
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Claim, Due
from threadkeep.ops.reply import Reply

MORE: Final = 8  # entities that are looked at for each claim that is asked for


class Job(msgspec.Struct, frozen=True):
    """A batch and what it needs. `again`: it may be sent once more after a lost connection.

    `then` makes of its reply the batch that is run in its place in the same transaction.
    """

    batch: Batch
    need: Need
    weight: int
    again: bool
    then: Callable[[Reply], Batch] | None = None

    def weigh(self) -> int:
        """Return the bytes that are sent."""
        return self.weight

    def of(self) -> Ref:
        """Return the entity."""
        return self.batch.ref

    def run(self, view: LoadedView, now: int, limits: Limits) -> Reply | Exception:
        """Run it on what was read; an error of `then` is its outcome. Raises Unread where too little was read."""
        reply = apply(view, self.batch, now, limits)
        if self.then is None:
            return reply
        try:
            batch = self.then(reply)
            check(batch)
        except Exception as error:  # noqa: BLE001 - the caller is told, and no other of the group
            return error
        return apply(view, batch, now, limits)


def job_of(batch: Batch) -> Job:
    """Return a batch as it is run."""
    return Job(batch, needs_of(batch), batch.weight, batch.repeatable)


def with_more(job: Job, unread: Unread) -> Job:
    """Return a job that reads more."""
    need = Need()
    need.add(job.need)
    need.add(unread.need)
    return msgspec.structs.replace(job, need=need)


class Terms(msgspec.Struct, frozen=True):
    """What holds for every group: limits, seconds to stall, the server's kind."""

    limits: Limits
    stall: int
    mariadb: bool


def _begin(terms: Terms) -> Packet:
    packet = Packet()
    if not terms.mariadb:  # it has a timeout for who stalls in a transaction, which is set once
        packet.add(f"set session wait_timeout = {terms.stall}")
    packet.add("start transaction")
    return packet


def _commit(packet: Packet, terms: Terms) -> Packet:
    packet.add("commit")
    if not terms.mariadb:
        packet.add("set session wait_timeout = default")
    return packet


UNDO: Final = b"rollback; set session wait_timeout = default"


def _loading(jobs: Sequence[Job]) -> Loading:
    """Return the reads of all jobs, sorted by their entities."""
    needs: dict[Ref, Need] = {}
    shared: set[Ref] = set()
    for job in jobs:
        ref = job.batch.ref
        if ref not in needs:
            needs[ref] = job.need
            continue
        if ref not in shared:  # a job's own is not changed
            shared.add(ref)
            mine, needs[ref] = needs[ref], Need()
            needs[ref].add(mine)
        needs[ref].add(job.need)
    refs = sorted(needs, key=place)
    return Loading(refs, [needs[ref] for ref in refs])


def _views(loading: Loading) -> dict[Ref, LoadedView]:
    return {
        ref: LoadedView(ref, facts, loading.tops)
        for ref, facts in zip(loading.refs, loading.facts, strict=True)
    }


class Reading:
    """A group of batches that only read, in one packet and as of one moment."""

    def __init__(self, jobs: Sequence[Job], now: int | None, terms: Terms) -> None:
        self._jobs = jobs
        self._loading = _loading(jobs)
        self.packet = Packet()
        self.packet.add("set transaction isolation level repeatable read")
        self.packet.add("start transaction read only")
        self._loading.ask(self.packet, now, lock=False, mariadb=terms.mariadb)
        self.packet.add("commit")

    def outcomes(self) -> list[Any]:
        """Return for each job the reply, None where it must be run as a write, Unread or an error."""
        views = _views(self._loading)
        found: list[Any] = []
        for job in self._jobs:
            try:
                found.append(read(views[job.batch.ref], job.batch, self._loading.now))
            except (Unread, ThreadkeepError) as error:
                found.append(error)
        return found


class Writing:
    """A group of batches that are decided in this process while their entities are locked."""

    def __init__(self, jobs: Sequence[Job], now: int | None, terms: Terms) -> None:
        self._jobs, self._terms = jobs, terms
        self._loading = _loading(jobs)
        self.first = _begin(terms)
        self._loading.ask(self.first, now, lock=True, mariadb=terms.mariadb)
        self.outcomes: list[Any] = []

    def decide(self) -> Packet:
        """Run the batches one after the other and return what is to be written; sets `outcomes`.

        An outcome is a reply, an error, or Unread: then nothing of its entity is written.
        """
        views = _views(self._loading)
        unread: dict[Ref, Unread] = {}
        found: list[Any] = []
        for job in self._jobs:
            ref = job.batch.ref
            try:
                if ref not in unread:
                    found.append(job.run(views[ref], self._loading.now, self._terms.limits))
                    continue
            except Unread as error:
                unread[ref] = error
            except ThreadkeepError as error:
                found.append(error)
                continue
            found.append(None)
        self.outcomes = [
            unread.get(job.batch.ref, outcome)
            for job, outcome in zip(self._jobs, found, strict=True)
        ]
        sound = [view for ref, view in views.items() if ref not in unread]
        second = Packet()
        write_all(second, sound, self._loading.now, mariadb=self._terms.mariadb)
        return _commit(second, self._terms)


class Claiming:
    """Claiming what is due: locked where nobody else has it, looked after, written."""

    def __init__(self, due: Due, now: int | None, terms: Terms, need: Need | None = None) -> None:
        self._due, self._terms = due, terms
        self._views: list[LoadedView] = []
        self._found = 0
        self._loading: Loading | None = None
        self.claims: list[Claim] = []
        self.unread: dict[Ref, Need] = {}
        self.first = _begin(terms)
        namespace = due.ref.namespace if due.ref else due.namespace
        mine, args = ("", ()) if namespace is None else (" and ns = %s", (namespace.encode(),))
        self.first.add(
            f"delete from tk_tombstone where until <= {clock(now)}{mine} limit 1000", args
        )
        if due.ref is None:
            self._ask_due(now, f"e.due <= {clock(now)}{mine} order by e.due limit %s", args)
        else:
            self._loading = Loading([due.ref], [need or Need()])
            self._loading.ask(self.first, now, lock=True, mariadb=terms.mariadb)

    def _ask_due(self, now: int | None, where: str, args: Sequence[object]) -> None:
        """Ask for what is due and nobody else looks after, and what ends in it."""
        source, most = "tk_entity e force index (tk_entity_due)", self._due.limit * MORE
        text = f"select {COLUMNS}, e.ns, e.kind, e.id from {source} where {where} for update skip locked"
        self.first.add(text, (*args, most), self._take)
        self.first.add(f"select {clock(now)}", (), self._take_now)
        ends = (
            f"select d.eid, f.map, f.name, f.size, f.expires from (select e.eid from {source}"
            f" where {where}) d left join tk_field f on f.eid = d.eid and f.expires is not null"
        )
        self.first.add(ends, (*args, 2 * most), self._take_ends)  # others may have some of them

    def _take(self, rows: Sequence[Row]) -> None:
        self._found = len(rows)
        for *record, ns, kind, name in rows:
            ref = Ref(ns.decode(), kind.decode(), name.decode())
            self._views.append(LoadedView(ref, to_facts(tuple(record)), {}))

    def _take_ends(self, rows: Sequence[Row]) -> None:
        known = {view.facts.eid: view.facts for view in self._views}
        for eid, map_, name, size, end in rows:
            facts = known.get(eid)
            if facts is None:
                continue
            facts.ends = facts.ends or {}
            if end is not None:
                facts.ends[map_.decode(), name.decode()] = (size, end)

    def _take_now(self, rows: Sequence[Row]) -> None:
        self._now = rows[0][0]

    @property
    def finished(self) -> bool:
        """Tell whether nothing more was due."""
        return self._loading is not None or self._found < self._due.limit * MORE

    def decide(self) -> Packet:
        """Look after what was found and return what is to be written; sets `claims` and `unread`."""
        if self._loading is not None:
            self._views = list(_views(self._loading).values())
            self._now = self._loading.now
        sound: list[LoadedView] = []
        for view in self._views:
            if len(self.claims) >= self._due.limit:
                break
            try:
                claim = tend(view, view.ref, self._now, self._due)
            except Unread as error:
                self.unread[view.ref] = error.need
                continue
            sound.append(view)
            if claim is not None:
                self.claims.append(claim)
        second = Packet()
        write_all(second, sound, self._now, mariadb=self._terms.mariadb)
        return _commit(second, self._terms)
