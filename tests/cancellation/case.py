"""What is said of a public call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from threadkeep import AsyncStore

Trips = dict[str, int]
ONE: Trips = {"run": 1}


@dataclass(frozen=True)
class Case:
    """A public call. `trips`: what it costs on a store that is open; None where it opens or closes one.

    `names`: the methods it stands for. `cold`: on a store that was not used yet. `told`: with a
    handler of ended threads. `steps`: several batches, each of which happens or not. `ends`: the
    store is closed after it.
    """

    names: tuple[str, ...]
    call: Callable[[AsyncStore], Awaitable[object]]
    trips: Trips | None = field(default_factory=lambda: ONE)
    cold: bool = False
    told: bool = False
    steps: bool = False
    ends: bool = False
