"""The races of the kit on the store that a URL names: by tasks, by threads, by the guards, with kills."""

from __future__ import annotations

import asyncio
import secrets

from tests.races.figures import Say
from threadkeep import AsyncStore, Store
from threadkeep.testing.crashes import Mode, Victim, check_crashes
from threadkeep.testing.races import RACES, race
from threadkeep.testing.races_crew import drive

Load = tuple[int, int]  # callers, and what each does


def race_tasks(url: str, name: str, load: Load, *, namespace: str = "default") -> None:
    """Race tasks of one loop; each caller has had its turn."""
    callers, each = load

    async def run() -> int:
        async with AsyncStore(url, namespace=namespace) as store:
            return len((await race(store, RACES[name], callers=callers, each=each)).seconds)

    assert asyncio.run(run()) >= callers


def race_threads(url: str, name: str, load: Load, *, namespace: str = "default") -> None:
    """Race threads of this process; each caller has had its turn."""
    callers, each = load
    with Store(url, namespace=namespace) as store:
        waits = drive(race(store, RACES[name], callers=callers, each=each))
    assert len(waits.seconds) >= callers


def kill_writers(url: str, mode: Mode, say: Say, *, kills: int, least: int) -> None:
    """Kill writers and find all that they were told; no fewer than `least` batches for each kill."""
    seed = secrets.randbelow(1_000_000)
    say(f"seed {seed}")
    crashes = check_crashes(Victim(url=url, mode=mode), seed=seed, kills=kills)
    say(f"{crashes.kills} kills, {crashes.acknowledged} batches")
    assert crashes.acknowledged >= kills * least
