"""Ten thousand expiries, eight sweepers: none missed, none twice; with kills, repeats keep their event id."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import threadkeep._sync.lifecycle as sync_lifecycle
from threadkeep import AsyncStore, AsyncThreadEvent, Store, ThreadEvent

pytestmark = pytest.mark.serial
THREADS = 10_000
SWEEPERS = 8


def fill(url: str, count: int) -> None:
    async def run() -> None:
        async with AsyncStore(url, thread_ttl=3600) as store:

            async def some(first: int) -> None:
                for number in range(first, count, 64):
                    await store.thread(f"t{number}").state.set("number", number)

            await asyncio.gather(*(some(first) for first in range(64)))

    asyncio.run(run())


def sweepers(url: str, told: Path, deaths: list[int]) -> list[int]:
    script = Path(__file__).with_name("sweeper.py")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    group = [
        subprocess.Popen([sys.executable, str(script), url, str(told), str(die_at)], env=env)
        for die_at in deaths
    ]
    return [one.wait(timeout=300) for one in group]


def ends(told: Path) -> list[tuple[str, str]]:
    lines = told.read_text().splitlines()
    for line in lines:
        event, thread, number = line.split()
        assert thread == f"t{number}", "a handler saw another thread's state"
        assert event.startswith("evt_")
    return [(line.split()[0], line.split()[1]) for line in lines]


def test_each_end_is_told_once(tmp_path: Path) -> None:
    """Nobody dies: every one of 10,000 ends is told once, by eight processes that know nothing of each other."""
    url, told = f"sqlite:///{tmp_path / 's.db'}?timeout=60&durability=normal", tmp_path / "told"
    fill(url, THREADS)
    assert sweepers(url, told, [0] * SWEEPERS) == [0] * SWEEPERS
    found = Counter(thread for _, thread in ends(told))
    assert len(found) == THREADS
    assert set(found.values()) == {1}
    with Store(url) as store:
        assert store.threads().page().items == ()


def test_kills_inside_handlers_repeat_the_same_event(tmp_path: Path) -> None:
    """Processes die inside handlers: nothing is missed, and what is told again has the same id."""
    seed = int(os.environ.get("THREADKEEP_FAULT_SEED", "0")) or random.SystemRandom().randrange(
        1, 1 << 32
    )
    print(f"THREADKEEP_FAULT_SEED={seed}")  # noqa: T201 - to run it again
    chance = random.Random(seed)
    url, told = f"sqlite:///{tmp_path / 's.db'}?timeout=60&durability=normal", tmp_path / "told"
    count = 400
    fill(url, count)
    died = sweepers(url, told, [chance.randrange(2, 20) for _ in range(SWEEPERS)])
    assert died == [-9] * SWEEPERS, "the load was too small for every sweeper to die in its handler"
    # the claims of the dead run out after CLAIM_SECONDS; a clock that is ahead stands for the wait
    later = sync_lifecycle.CLAIM_SECONDS + 60

    def handler(event: ThreadEvent) -> None:
        thread = event.thread
        with told.open("a") as lines:
            lines.write(f"{event.id} {thread.id} {thread.state.get('number')}\n")

    with Store(url, thread_ttl=3600, clock=lambda: time.time() + 7200 + later) as store:
        store.on("thread.destroyed", handler, name="teller")
        store.sweep()
        assert store.threads().page().items == ()
    found = ends(told)
    ids: dict[str, set[str]] = {}
    for event, thread in found:
        ids.setdefault(thread, set()).add(event)
    assert len(ids) == count, "an end was missed"
    assert all(len(events) == 1 for events in ids.values()), "a repeat came with another id"
    repeated = [t for t, n in Counter(t for _, t in found).items() if n > 1]
    assert len(repeated) >= SWEEPERS - 1, "control: the killed handlers' events must come again"


def test_a_failing_handler_is_called_again_and_the_others_are_not() -> None:
    """Backoff, no repetition of what succeeded, the same event id, and the thread ends at last."""
    now = [1_800_000_000.0]
    calls: list[tuple[str, str]] = []
    with Store("memory://", thread_ttl=10, clock=lambda: now[0]) as store:
        store.on("thread.destroyed", lambda event: calls.append(("good", event.id)), name="good")

        def bad(event: ThreadEvent) -> None:
            calls.append(("bad", event.id))
            if len([c for c in calls if c[0] == "bad"]) < 3:
                raise RuntimeError("not now")

        store.on("thread.destroyed", bad, name="bad")
        store.thread("t").state.set("x", 1)
        now[0] += 11
        assert store.sweep().failed == 1
        assert store.sweep().failed == 0  # too early
        pauses = 0
        while len(calls) < 4 and pauses < 1_000:
            now[0] += 1
            pauses += 1
            store.sweep()
        assert [name for name, _ in calls] == ["good", "bad", "bad", "bad"]
        assert len({event for _, event in calls}) == 1
        assert store.thread("t").info() is None
        store.thread("t").state.set("x", 2)


def test_what_ended_while_nothing_ran_is_caught_up_at_start(tmp_path: Path) -> None:
    """The sweeper's first round tells what ended while every process was down."""
    url = f"sqlite:///{tmp_path / 's.db'}"
    now = [1_800_000_000.0]
    with Store(url, thread_ttl=10, clock=lambda: now[0]) as store:
        for number in range(20):
            store.thread(f"t{number}").state.set("x", number)
    now[0] += 86_400

    async def start() -> list[int]:
        seen: list[int] = []
        async with AsyncStore(url, thread_ttl=10, clock=lambda: now[0]) as later:

            async def handler(event: AsyncThreadEvent) -> None:
                seen.append(await event.thread.state.get("x"))

            later.on("thread.destroyed", handler)
            async with later.sweeper(every=3600):
                for _ in range(1_000):
                    if len(seen) == 20:
                        break
                    await asyncio.sleep(0.01)
        return seen

    assert sorted(asyncio.run(start())) == list(range(20))
