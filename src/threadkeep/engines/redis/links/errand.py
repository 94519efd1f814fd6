"""A call on its way: what of it is done, what has to be sent again, and for how long."""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, cast

from threadkeep.engines.redis.links.errors import (
    Closed,
    Late,
    Lost,
    ServerError,
    Unready,
    Unsynced,
)
from threadkeep.engines.redis.links.script import Command, Script, pack, pack_all
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address, read_target
from threadkeep.errors import Timeout, Unavailable

_ASKING: Final = pack(("ASKING",))
_WAIT: Final = {"TRYAGAIN", "LOADING", "BUSY", "MASTERDOWN"}
_MISLED: Final = {"CLUSTERDOWN", "READONLY"}
_AGAIN: Final = {"NOSCRIPT", "MOVED", "ASK"} | _WAIT | _MISLED  # each before anything was done
_QUICK: Final = 3  # times a call follows a redirection without waiting


Outcome = list[Any] | Lost | Late | Unavailable  # of one attempt


def plain(commands: Sequence[Command], answers: list[Any]) -> bool:
    """Tell whether the answers are the results, with nothing to look into."""
    if len(commands) > 1 and commands[0][0] == "MULTI":
        return False
    for answer in answers:  # noqa: SIM110 - each call passes here, and a generator costs more than the loop
        if isinstance(answer, ServerError):
            return False
    return True


class Step(Enum):
    """What to do next."""

    DONE = 1
    SEND = 2  # again, at once
    WAIT = 3  # then send again
    LOOK = 4  # where the primaries are, wait, then send again


class Errand:
    """The commands of one call, until each has its answer or time is up; times of time.monotonic."""

    def __init__(
        self,
        commands: Sequence[Command],
        settings: Settings,
        begun: float,
        *,
        again: bool,
        synced: bool = False,
    ) -> None:
        self.synced = synced  # answered when the server's disk has it
        self.results: list[Any] = [None] * len(commands)
        self.asked: Address | None = None  # the node that is taking the slot over
        self.moved: tuple[int, Address] | None = None
        self._commands, self._again = commands, again
        self._settings, self._begun = settings, begun
        self._pending: list[int] = list(range(len(commands)))
        self._whole: set[int] = set()  # scripts that the server did not know
        self._rounds = 0
        self._why: Exception | None = None  # what the last attempt met
        self._sent = False  # something of it may have been done
        alone = settings.mode == "single"
        self.limit = begun + (settings.timeout if alone else settings.failover_timeout)

    @property
    def payload(self) -> bytes:
        """Return what is to be sent."""
        if self.asked is None and not self._whole:
            return pack_all([self._commands[number] for number in self._pending])
        return b"".join(
            (_ASKING if self.asked else b"")
            + pack(self._commands[number], whole=number in self._whole)
            for number in self._pending
        )

    @property
    def count(self) -> int:
        """Return how many answers will come."""
        return len(self._pending) * (2 if self.asked else 1)

    def until(self, now: float) -> float:
        """Return when to stop waiting for the answers of what is sent now."""
        return now + min(self._settings.timeout, max(0.0, self.limit - now))

    def judge(self, outcome: Outcome, asked: Address | None, now: float) -> Step:
        """Note what came of an attempt at the node `asked`, and say what is next.

        Raises Timeout for an answer that did not come, Unavailable for one that may not be asked for twice.
        """
        if isinstance(outcome, Lost):
            return self._lost(outcome)
        if isinstance(outcome, Unsynced):
            raise Timeout(
                f"{asked} did it, but has not said within {now - self._begun:.3g} s that its disk has it",
                maybe_applied=True,
            )
        if isinstance(outcome, Late):
            raise Timeout(
                f"{asked} did not answer within {now - self._begun:.3g} s", maybe_applied=True
            )
        if isinstance(outcome, Unavailable):
            return self._unreachable(outcome)
        assert asked is not None  # noqa: S101 - somebody answered
        return self.take(outcome, asked)

    def take(self, answers: list[Any], asked: Address) -> Step:
        """Note the answers of the node `asked`, and say what is next."""
        if self.asked is not None:
            answers = answers[1::2]
        self.asked = self.moved = None
        self._rounds += 1
        take = self._take_whole if self._commands[0][0] == "MULTI" else self._take_each
        refused = take(answers)
        if refused is None:
            return Step.DONE
        self._why = refused
        return self._step(refused, asked)

    def _take_each(self, answers: list[Any]) -> ServerError | None:
        refused: list[tuple[int, ServerError]] = []
        for number, answer in zip(self._pending, answers, strict=True):
            if isinstance(answer, ServerError) and answer.code in _AGAIN:
                refused.append((number, answer))
            else:
                self.results[number] = answer
        self._sent |= len(refused) < len(answers)
        self._pending = [number for number, _ in refused]
        self._whole |= {number for number, answer in refused if answer.code == "NOSCRIPT"}
        return refused[0][1] if refused else None

    def _take_whole(self, answers: list[Any]) -> ServerError | None:
        """Take a transaction: it was done whole or not at all, except that a script in it may be unknown."""
        refused = next(
            (a for a in answers if isinstance(a, ServerError) and a.code in _AGAIN), None
        )
        inside = cast("list[Any]", answers[-1] if isinstance(answers[-1], list) else [])
        if refused is None and self._again and not self._whole:
            refused = next((a for a in inside if _unknown(a)), None)
            if refused is not None:
                self._whole |= {
                    n for n in self._pending if isinstance(self._commands[n][0], Script)
                }
        if refused is None:
            self.results = answers
        return refused

    def _step(self, refused: ServerError, asked: Address) -> Step:
        if refused.code == "NOSCRIPT":
            return Step.SEND
        if refused.code in {"MOVED", "ASK"}:
            slot, target = read_target(refused.said, asked)
            if refused.code == "MOVED":
                self.moved = (slot, target)
            elif self._commands[0][0] == "MULTI":  # there is no ASKING for a transaction
                return self._patient(Step.WAIT)
            else:
                self.asked = target
            return Step.SEND if self._rounds <= _QUICK else self._patient(Step.WAIT)
        return self._patient(Step.LOOK if refused.code in _MISLED else Step.WAIT)

    def _patient(self, step: Step) -> Step:
        self.limit = self._begun + self._settings.failover_timeout
        return step

    def _lost(self, error: Lost) -> Step:
        self._sent |= error.sent
        if error.sent and not self._again:
            raise Unavailable(f"{error}; the call may have been done", maybe_applied=True)
        return self._unsent(error)

    def _unreachable(self, error: Unavailable) -> Step:
        if isinstance(error, Closed):
            raise Unavailable(str(error), maybe_applied=self._sent)
        if isinstance(error, Unready):
            self._patient(Step.WAIT)
        return self._unsent(error)

    def _unsent(self, error: Exception) -> Step:
        self.asked = self.moved = None
        self._rounds += 1
        if not isinstance(self._why, ServerError):  # what a server said tells more
            self._why = error
        return Step.LOOK

    def pause(self, now: float) -> float:
        """Return how long to wait before it is sent again. Raises Unavailable when that is too late."""
        longest = min(0.5, 0.004 * 2 ** min(self._rounds, 10))
        wait = random.uniform(longest / 2, longest)  # noqa: S311 - no secret
        if now + wait >= self.limit:  # an attempt without time to answer would only hide the reason
            raise Unavailable(
                f"given up after {now - self._begun:.3g} s: {self._why}", maybe_applied=self._sent
            )
        return wait


def _unknown(answer: object) -> bool:
    return isinstance(answer, ServerError) and answer.code == "NOSCRIPT"
