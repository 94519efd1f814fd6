"""Rivals in processes and threads, each with an engine and a connection of its own: who wins each round."""

from __future__ import annotations

import multiprocessing
import threading
import time
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import Literal

import pytest

from threadkeep._sync.urls import open_engine
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Engine
from threadkeep.ops.ops import AnyGuard, Get, Missing, Same, Set
from threadkeep.ops.reply import Fields

Kind = Literal["missing", "same"]
PATIENCE = 120
HOT = Ref("default", "thread", "race")
ROUNDS = 200

CONTESTS = pytest.mark.parametrize(
    ("rounds", "processes", "threads"),
    [
        pytest.param(ROUNDS, 1, 12, id="12 threads"),
        pytest.param(40, 4, 1, id="4 processes"),
        pytest.param(ROUNDS, 4, 1, id="4 processes, long", marks=pytest.mark.long),
        pytest.param(ROUNDS, 4, 12, id="48 in 4 processes", marks=pytest.mark.long),
    ],
)


def _guard(kind: Kind, found: Fields) -> AnyGuard:
    if kind == "missing":
        return Missing("state", "winner")
    return Same("state", "turn", found.fields["turn"].revision)


def _engine(url: str) -> Engine:
    engine = open_engine(url, _now, Limits())
    engine.setup()
    return engine


def _now() -> int:
    return time.time_ns() // 1000


def _contend(url: str, kind: Kind, rounds: int, gate: Barrier, won: SimpleQueue[int]) -> None:
    """Look, wait until all have looked, write on the condition that nobody else has."""
    engine = _engine(f"{url}{'&' if '?' in url else '?'}connections=1")
    for n in range(rounds):
        here = Ref("default", "thread", f"race-{n}") if kind == "missing" else HOT
        found = engine.run(Batch(here, (Get("state", ("turn",), renew=False),))).results[0]
        assert isinstance(found, Fields)
        gate.wait(PATIENCE)
        write = Set("state", {"winner": b"j1", "turn": b"j%d" % n})
        if engine.run(Batch(here, (write,), (_guard(kind, found),))).ok:
            won.put(n)
        gate.wait(PATIENCE)
    engine.close()


def _crew(  # noqa: PLR0917 - what a process is started with
    url: str, kind: Kind, rounds: int, threads: int, gate: Barrier, won: SimpleQueue[int]
) -> None:
    work = (url, kind, rounds, gate, won)
    crew = [threading.Thread(target=_contend, args=work) for _ in range(threads)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()


def winners(url: str, kind: Kind, *, rounds: int, processes: int, threads: int) -> list[int]:
    """Return the number of a round for each who won it, sorted."""
    engine = _engine(url)
    engine.run(Batch(HOT, (Set("state", {"turn": b"j0"}),)))
    engine.close()
    context = multiprocessing.get_context("spawn")
    gate, won = context.Barrier(processes * threads), context.SimpleQueue()
    work = (url, kind, rounds, threads, gate, won)
    rivals = [context.Process(target=_crew, args=work) for _ in range(processes)]
    for rival in rivals:
        rival.start()
    found: list[int] = []
    while any(rival.is_alive() for rival in rivals) or not won.empty():
        while not won.empty():
            found.append(won.get())
        rivals[0].join(0.05)
    assert [rival.exitcode for rival in rivals] == [0] * processes
    return sorted(found)
