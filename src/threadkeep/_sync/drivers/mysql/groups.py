# Generated from src/threadkeep/_async/drivers/mysql/groups.py by scripts/unasync. Do not edit.
"""A group of batches on a connection: sent again while nothing of it was done, one by one where it fails."""

from __future__ import annotations

from collections.abc import Callable
from random import random
from typing import Any, Final

from msgspec.structs import replace

from threadkeep._sync.drivers.mysql.lines import LIVES, Lines
from threadkeep.concurrency import Flow
from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.mysql.errors import (
    LOCK_WAIT,
    PASSING,
    Failed,
    Lost,
    Trouble,
    map_error,
)
from threadkeep.engines.sql.mysql.gets import Getting
from threadkeep.engines.sql.mysql.program import Job, Reading, Terms, Writing, with_more
from threadkeep.engines.sql.mysql.view import Unread
from threadkeep.ops.batch import Batch
from threadkeep.ops.reply import Reply

TRIES: Final = 20  # of a group that the server refused without having done anything


class Groups:
    """Runs groups of batches. `terms` are those of the server, which is not known at first."""

    def __init__(
        self, lines: Lines, hub: Hub, clock: Callable[[], int | None], terms: Terms
    ) -> None:
        self._lines, self._hub, self._clock = lines, hub, clock
        self.terms = terms

    def get(self, batches: list[Batch]) -> list[Any]:
        """Read one field of each entity."""
        getting = Getting(batches, self._clock())
        try:
            self.patiently(lambda: self._lines.ask(getting.packet))
        except Trouble as error:
            return [map_error(error, wrote=False)] * len(batches)
        return getting.outcomes()

    def read(self, jobs: list[Job]) -> list[Any]:
        reading = Reading(jobs, self._clock(), self.terms)
        try:
            self.patiently(lambda: self._lines.ask(reading.packet))
        except Trouble as error:
            return self._failed(jobs, error, self.read)
        return self._whole(jobs, reading.outcomes(), self.read)

    def write(self, jobs: list[Job]) -> list[Any]:
        """Run a group in one transaction; where it fails, its batches one by one."""
        outcomes: list[Any] = []

        def once() -> None:
            writing = Writing(jobs, self._clock(), self.terms)
            self._lines.transact(writing.first, writing.decide)
            outcomes[:] = writing.outcomes

        try:
            self.patiently(once)
        except Trouble as error:
            return self._failed(jobs, error, self.write)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Reply) and outcome.changed:
                self._hub.publish(job.batch.ref)
        return self._whole(jobs, outcomes, self.write)

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

    def patiently(self, call: Callable[[], None]) -> None:
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
