"""Many callers of one PostgreSQL server, in one process and in several, and writers that are killed."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from tests.postgres.engine import async_engine
from tests.postgres.guard_race import Kind, winners
from tests.races.figures import Say
from threadkeep import AsyncStore, Store
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing.crashes import Mode, Victim, check_crashes
from threadkeep.testing.races import RACES, race
from threadkeep.testing.races_crew import drive
from threadkeep.testing.races_processes import race_processes

LOADS = {
    "increments": (8, 50),
    "guarded": (4, 30),
    "appends": (10, 15),
    "winner": (8, 30),
    "turns": (5, 5),
    "destroy": (8, 25),
}
ROUNDS = 200


@pytest.mark.parametrize("name", RACES)
def test_tasks(name: str, place: str):
    callers, each = LOADS[name]

    async def run() -> int:
        async with AsyncStore(place) as store:
            return len((await race(store, RACES[name], callers=callers, each=each)).seconds)

    assert asyncio.run(run()) >= callers


@pytest.mark.parametrize("name", RACES)
def test_threads(name: str, place: str):
    callers, each = LOADS[name]
    with Store(place) as store:
        waits = drive(race(store, RACES[name], callers=callers, each=each))
    assert len(waits.seconds) >= callers


@pytest.mark.parametrize(
    ("name", "processes", "callers", "each", "mode"),
    [
        ("increments", 4, 8, 25, "async"),
        ("guarded", 4, 2, 25, "sync"),
        ("winner", 4, 3, 50, "sync"),
        ("destroy", 4, 3, 25, "async"),
    ],
)
def test_processes(  # noqa: PLR0917 - one row of the table
    name: str, processes: int, callers: int, each: int, mode: Mode, place: str
):
    parts = race_processes(place, name, processes=processes, callers=callers, each=each, mode=mode)
    assert len(parts) == processes


@pytest.mark.parametrize("kind", ["missing", "same"])
@pytest.mark.parametrize(
    ("rounds", "processes", "threads"),
    [
        pytest.param(ROUNDS, 1, 12, id="12 threads"),
        pytest.param(40, 4, 1, id="4 processes"),
        pytest.param(ROUNDS, 4, 1, id="4 processes, long", marks=pytest.mark.long),
        pytest.param(ROUNDS, 4, 12, id="48 in 4 processes", marks=pytest.mark.long),
    ],
)
def test_one_wins_each_round(kind: Kind, rounds: int, processes: int, threads: int, place: str):
    """Each rival has an engine of its own, so that nothing but the server can keep them apart."""
    found = winners(place, kind, rounds=rounds, processes=processes, threads=threads)
    assert found == list(range(rounds))


def test_two_processes_of_groups_over_the_same_entities_do_not_deadlock(place: str):
    async def run() -> int:
        engines = [async_engine(place) for _ in range(2)]
        for engine in engines:
            await engine.setup()

        async def append(n: int) -> bool:
            ref = Ref("default", "thread", f"t{n * 7 % 40}")
            return (await engines[n % 2].run(Batch(ref, (Set("state", {f"k{n}": b"j1"}),)))).ok

        done = await asyncio.gather(*(append(n) for n in range(600)))
        for engine in engines:
            await engine.aclose()
        return sum(done)

    assert asyncio.run(run()) == 600


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_killed_writer_loses_nothing(mode: Mode, place: str, say: Say):
    seed = secrets.randbelow(1_000_000)
    crashes = check_crashes(Victim(url=place, mode=mode), seed=seed, kills=2)
    say(f"seed {seed}; {crashes.kills} kills, {crashes.acknowledged} batches")
    assert crashes.acknowledged >= 2 * 50
