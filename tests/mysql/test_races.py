"""Many callers of one MariaDB server, in one process and in several, and writers that are killed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.mysql.engine import async_engine
from tests.races.crowds import kill_writers, race_tasks, race_threads
from tests.races.figures import Say
from tests.races.guard_race import CONTESTS, Kind, winners
from threadkeep import Store
from threadkeep.errors import Conflict
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing.crashes import Mode
from threadkeep.testing.races import RACES
from threadkeep.testing.races_processes import race_processes

LOADS = {
    "increments": (8, 50),
    "guarded": (4, 30),
    "appends": (10, 15),
    "winner": (8, 30),
    "turns": (5, 5),
    "destroy": (8, 25),
    "parts": (5, 8),
}


@pytest.mark.parametrize("name", RACES)
def test_tasks(name: str, place: str):
    race_tasks(place, name, LOADS[name])


@pytest.mark.parametrize("name", RACES)
def test_threads(name: str, place: str):
    race_threads(place, name, LOADS[name])


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
@CONTESTS
def test_one_wins_each_round(kind: Kind, rounds: int, processes: int, threads: int, place: str):
    """Each rival has an engine of its own, so that nothing but the server can keep them apart."""
    found = winners(place, kind, rounds=rounds, processes=processes, threads=threads)
    assert found == list(range(rounds))


def test_who_saves_first_to_a_thread_that_others_make_meanwhile(place: str):
    with Store(place) as store, ThreadPoolExecutor(8) as pool:
        for round_ in range(60):
            snapshots = store.thread(f"new-{round_}").snapshots
            saves = [pool.submit(snapshots.save, n, if_revision=0) for n in range(8)]
            failed = [found for found in (save.exception() for save in saves) if found is not None]
            assert [type(error) for error in failed] == [Conflict] * 7


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
    kill_writers(place, mode, say, kills=2, least=50)
