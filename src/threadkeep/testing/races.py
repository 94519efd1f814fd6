"""Races on one store, in one process and in several, and what must be true after them.

Each race has contenders, who may run anywhere, and a verdict over what all of them report. Reports
are plain JSON, for they may come from another process (`races_processes`).

    await race(store, RACES["increments"], callers=8, each=100)          # tasks of an AsyncStore
    drive(race(store, RACES["increments"], callers=8, each=100))         # threads with a Store
"""

from __future__ import annotations

from threadkeep.testing.races_crew import AnyStore, Finish, Race, Seat, Waits, together
from threadkeep.testing.races_ends import Destroy, Turns
from threadkeep.testing.races_history import Appends
from threadkeep.testing.races_parts import OneMessage
from threadkeep.testing.races_state import GuardedUpdates, Increments, OneWinner

_ALL: tuple[Race, ...] = (
    Increments(),
    GuardedUpdates(),
    Appends(),
    OneWinner(),
    Turns(),
    Destroy(),
    OneMessage(),
)
RACES = {what.name: what for what in _ALL}


async def race(store: AnyStore, what: Race, *, callers: int, each: int) -> Waits:
    """Run a race with callers of this store and judge it; return how long each call took."""
    waits = Waits()
    seats = [Seat(store, who, callers, each, waits) for who in range(callers)]
    reports = await together(store, what.contend, seats)
    await what.judge(Finish(store, reports, each))
    return waits
