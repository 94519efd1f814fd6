"""The process that faults happen to: callers write batches and note each acknowledgement.

    python -m tests.faults.subject URL LEDGER [--mode sync|async] [--callers 1] [--name w]
        [--first 1] [--count 0 (endless)] [--slip none|early|split|swallow] [--keep-on]

Without --keep-on the first error ends it with exit code 3. Each caller is a thread or a task.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import threading
from collections.abc import Iterable
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path

from tests.faults.ledger import Ledger
from tests.faults.run import FAILED
from tests.faults.script import Slip, steps
from threadkeep import AsyncStore, Store


@dataclass(frozen=True)
class Job:
    """What each caller does."""

    ledger: Ledger
    slip: Slip
    first: int
    count: int
    keep_on: bool

    def numbers(self) -> Iterable[int]:
        if not self.count:
            return itertools.count(self.first)
        return range(self.first, self.first + self.count)

    def begin(self, who: str, number: int) -> None:
        self.ledger.begun(who, number)
        if self.slip is Slip.EARLY:
            self.ledger.acked(who, number)

    def end(self, who: str, number: int) -> None:
        if self.slip is not Slip.EARLY:
            self.ledger.acked(who, number)

    def fail(self, who: str, number: int, error: Exception) -> bool:
        """Note the error; tells whether the caller goes on."""
        self.ledger.failed(who, number, error)
        if self.slip is Slip.SWALLOW:
            self.ledger.acked(who, number)
        return self.keep_on


def call(store: Store, who: str, job: Job) -> bool:
    for number in job.numbers():
        job.begin(who, number)
        try:
            store.ready()
            for step in steps(store, who, number, job.slip):
                step()
        except Exception as error:  # noqa: BLE001 - its type is what the test is about
            if not job.fail(who, number, error):
                return False
        else:
            job.end(who, number)
    return True


async def call_async(store: AsyncStore, who: str, job: Job) -> bool:
    for number in job.numbers():
        job.begin(who, number)
        try:
            await store.ready()
            for step in steps(store, who, number, job.slip):
                await step()
        except Exception as error:  # noqa: BLE001 - its type is what the test is about
            if not job.fail(who, number, error):
                return False
        else:
            job.end(who, number)
    return True


def run(url: str, names: list[str], job: Job) -> bool:
    results: list[bool] = []
    with closing(Store(url)) as store:
        threads = [
            threading.Thread(target=lambda who=who: results.append(call(store, who, job)))
            for who in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return len(results) == len(names) and all(results)


async def run_async(url: str, names: list[str], job: Job) -> bool:
    async with aclosing(AsyncStore(url)) as store:
        return all(await asyncio.gather(*(call_async(store, who, job) for who in names)))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--mode", choices=["sync", "async"], default="sync")
    parser.add_argument("--callers", type=int, default=1)
    parser.add_argument("--name", default="w")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--slip", type=Slip, default=Slip.NONE)
    parser.add_argument("--keep-on", action="store_true")
    given = parser.parse_args(arguments)
    ledger = Ledger(given.ledger)
    job = Job(ledger, given.slip, given.first, given.count, given.keep_on)
    names = [f"{given.name}{i}" for i in range(given.callers)]
    try:
        fine = (
            asyncio.run(run_async(given.url, names, job))
            if given.mode == "async"
            else run(given.url, names, job)
        )
    except Exception as error:  # noqa: BLE001 - closing meets faults as well
        ledger.failed("close", 0, error)
        return FAILED
    if not fine:
        return FAILED
    ledger.done()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
