"""Races between processes that share a store: `race_processes(url, "increments", ...)`.

Run as a program this is one of the processes; it prints its contenders' reports as one line of JSON.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Literal

import msgspec

from threadkeep._async.store import AsyncStore
from threadkeep._sync.store import Store
from threadkeep.testing.processes import module_environment
from threadkeep.testing.races import RACES
from threadkeep.testing.races_crew import AnyStore, Finish, Report, Seat, Waits, drive, together

TIMEOUT = 240.0
Mode = Literal["async", "sync"]


class Part(msgspec.Struct, frozen=True):
    """What one process is to do: contenders number `first` to `first + callers - 1` of `of`."""

    url: str
    race: str
    mode: Mode
    first: int
    callers: int
    of: int
    each: int


class Done(msgspec.Struct, frozen=True):
    """What one process did: the reports of its contenders and the seconds of each call."""

    reports: list[Report]
    waits: list[float]


def race_processes(
    url: str, name: str, *, processes: int, callers: int, each: int, mode: Mode = "async"
) -> list[list[float]]:
    """Race `processes` x `callers` contenders and judge; return the waits of each process."""
    of = processes * callers
    running = [
        _start(Part(url, name, mode, number * callers, callers, of, each))
        for number in range(processes)
    ]
    try:
        parts = [_result(process) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    reports = [report for part in parts for report in part.reports]
    with Store(url) as store:
        drive(RACES[name].judge(Finish(store, reports, each)))
    return [part.waits for part in parts]


def _start(part: Part) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", __name__, msgspec.json.encode(part).decode()]
    return subprocess.Popen(  # noqa: S603 - arguments are our own
        command, stdout=subprocess.PIPE, env=module_environment()
    )


def _result(process: subprocess.Popen[bytes]) -> Done:
    out, _ = process.communicate(timeout=TIMEOUT)
    if process.returncode:
        raise RuntimeError(f"a racing process ended with code {process.returncode}")
    return msgspec.json.decode(out, type=Done)


async def _contend(store: AnyStore, part: Part) -> Done:
    waits = Waits()
    numbers = range(part.first, part.first + part.callers)
    seats = [Seat(store, who, part.of, part.each, waits) for who in numbers]
    contend = RACES[part.race].contend

    async def begin_together(seat: Seat) -> Report:
        await seat.wait_for_all("start")
        return await contend(seat)

    return Done(await together(store, begin_together, seats), waits.seconds)


async def _contend_async(part: Part) -> Done:
    async with AsyncStore(part.url) as store:
        return await _contend(store, part)


def main(argument: str) -> None:
    """Be one of the processes of a race."""
    part = msgspec.json.decode(argument, type=Part)
    if part.mode == "async":
        done = asyncio.run(_contend_async(part))
    else:
        with Store(part.url) as store:
            done = drive(_contend(store, part))
    sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    main(sys.argv[1])
