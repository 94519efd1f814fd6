"""Many callers of one MariaDB server, in one process and in several, and writers that are killed."""

from __future__ import annotations

import asyncio
import secrets
import threading

import pytest

from tests.mysql.engine import async_engine, sync_engine
from tests.races.figures import Say
from threadkeep import AsyncStore, Store
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import AnyGuard, Get, Missing, Same, Set
from threadkeep.ops.reply import Fields
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


def _guard(kind: str, found: Fields) -> AnyGuard:
    if kind == "missing":
        return Missing("state", "winner")
    return Same("state", "turn", found.fields["turn"].revision)


@pytest.mark.parametrize("kind", ["missing", "same"])
def test_one_of_twelve_connections_wins_each_round(kind: str, place: str):
    """Each thread has an engine of its own, so that nothing but the server can keep them apart."""
    engines = [sync_engine(f"{place}?connections=1") for _ in range(12)]
    for engine in engines:
        engine.setup()
    ref = Ref("default", "thread", "race")
    winners: list[int] = []
    gate = threading.Barrier(len(engines))

    def contend(who: int) -> None:
        for n in range(ROUNDS):
            here = Ref(ref.namespace, ref.kind, f"race-{n}" if kind == "missing" else ref.id)
            reply = engines[who].run(Batch(here, (Get("state", ("turn",), renew=False),)))
            found = reply.results[0]
            assert isinstance(found, Fields)
            gate.wait(60)
            write = Set("state", {"winner": b"j1", "turn": b"j%d" % n})
            if engines[who].run(Batch(here, (write,), (_guard(kind, found),))).ok:
                winners.append(n)
            gate.wait(60)

    engines[0].run(Batch(ref, (Set("state", {"turn": b"j0"}),)))
    threads = [threading.Thread(target=contend, args=(who,)) for who in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.close()
    assert winners == list(range(ROUNDS))


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
