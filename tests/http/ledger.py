"""What callers were told of their calls, held against what the server has in the end.

Each call counts one up and notes its number, in one batch: so the count and the notes agree unless a call had two
effects, and a note says whether a call had one.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from threadkeep._sync.drivers.http import HttpEngine
from threadkeep.errors import Unavailable
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Incr, Set
from threadkeep.ops.reply import Fields, Reply

GRACE = 1.0  # seconds beyond its deadline after which a call must have ended
OF_A_THREAD = 500  # calls, so that no thread has more fields than it may
DONE, UNKNOWN, NOTHING = "done", "unknown", "nothing"


class UntrueError(AssertionError):
    """What a caller was told does not hold."""


@dataclass
class Ledger:
    """The calls of one caller; one in three carries no `once` id."""

    who: int
    timeout: float
    told: dict[int, str] = field(default_factory=dict[int, str])
    late: list[float] = field(default_factory=list[float])
    slowest: float = 0.0

    def numbers(self, count: int) -> range:
        """Return the numbers of the next calls."""
        return range(len(self.told), len(self.told) + count)

    def batch(self, number: int) -> Batch:
        once = None if number % 3 == 0 else f"call {number}"
        ops = (Incr("state", "count"), Set("notes", {str(number): b"j1"}))
        return Batch(self.ref(number), ops, once=once)

    def ref(self, number: int) -> Ref:
        return Ref("default", "thread", f"{self.who}-{number // OF_A_THREAD}")

    def note(self, number: int, began: float, outcome: Reply | Unavailable) -> None:
        """Note what a call came to, which began at `began` of time.monotonic()."""
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        if took > self.timeout + GRACE:
            self.late.append(took)
        if isinstance(outcome, Unavailable):
            self.told[number] = UNKNOWN if outcome.maybe_applied else NOTHING
        else:
            self.told[number] = DONE

    def hold(self, engine: HttpEngine) -> None:
        """Raise UntrueError unless all that was told is true; `engine` reaches the server without faults."""
        if self.late:
            raise UntrueError(f"{len(self.late)} calls went on for up to {max(self.late):.1f} s")
        for ref in sorted({self.ref(number) for number in self.told}):
            count, notes = _kept(engine, ref)
            if count != len(notes):
                raise UntrueError(f"{count - len(notes)} calls had two effects")
            for number, told in self.told.items():
                if self.ref(number) == ref and told != UNKNOWN:
                    stands = str(number) in notes
                    if stands != (told == DONE):
                        raise UntrueError(f"call {number} was told {told!r}; it stands: {stands}")


def _kept(engine: HttpEngine, ref: Ref) -> tuple[int, set[str]]:
    reply = engine.run(Batch(ref, (Get("state"), Get("notes"))))
    state, notes = reply.results
    assert isinstance(state, Fields)
    assert isinstance(notes, Fields)
    found: Any = state.fields.get("count")
    return (0 if found is None else int(found.value[1:])), set(notes.fields)


def drawn(seed: int, share: float, faults: tuple[str, ...]) -> Any:
    """Return what gives one request in 1/`share` one of the faults."""
    draw = Random(seed)
    return lambda: draw.choice(faults) if draw.random() < share else ""


def summary(ledgers: list[Ledger]) -> Counter[str]:
    """Return how many calls came to what."""
    return Counter(told for ledger in ledgers for told in ledger.told.values())
