"""Races for one field."""

from __future__ import annotations

import time
from collections import Counter

from threadkeep.errors import Conflict
from threadkeep.testing.races_crew import THREAD, Finish, Report, Seat, require, settle

TRIES = 100_000


class Increments:
    """Concurrent increments are all counted, and each sees a sum that no other sees."""

    name = "increments"

    async def contend(self, seat: Seat) -> Report:
        """Increment one counter."""
        state = seat.store.thread(THREAD).state
        clock = time.perf_counter
        return [await seat.waits.on(clock(), state.increment("n")) for _ in range(seat.each)]

    async def judge(self, finish: Finish) -> None:
        """Compare the sum with the calls."""
        total = finish.total
        found = await settle(finish.store.thread(THREAD).state.get("n"))
        require(found == total, f"{total} increments made {found}")
        sums = sorted(number for report in finish.reports for number in report)
        require(sums == list(range(1, total + 1)), "two increments returned the same sum")


class GuardedUpdates:
    """An update that is made only when nothing came between loses no other update."""

    name = "guarded"

    async def contend(self, seat: Seat) -> Report:
        """Count up by reading and writing, by `mutate` and by `if_revision` in turn."""
        state = seat.store.thread(THREAD).state
        tries = 0
        for number in range(seat.each):
            if number % 2:
                await settle(state.mutate("n", lambda n: n + 1, default=0))
                continue
            for _ in range(TRIES):
                tries += 1
                entry = await settle(state.entry("n"))
                value, revision = (entry.value, entry.revision) if entry else (0, 0)
                begun = time.perf_counter()
                try:
                    await seat.waits.on(begun, state.set("n", value + 1, if_revision=revision))
                    break
                except Conflict:
                    seat.waits.seconds.append(time.perf_counter() - begun)
        return [tries]

    async def judge(self, finish: Finish) -> None:
        """Compare the count with the updates."""
        total = finish.total
        found = await settle(finish.store.thread(THREAD).state.get("n"))
        require(found == total, f"{total} guarded updates made {found}")


class OneWinner:
    """Of those who claim a free name one gets it, and the others are told who."""

    name = "winner"

    async def contend(self, seat: Seat) -> Report:
        """Try to be first in each round."""
        state = seat.store.thread(THREAD).state
        told: Report = []
        for number in range(seat.each):
            begun = time.perf_counter()
            try:
                await seat.waits.on(begun, state.set(f"round {number}", seat.who, if_absent=True))
                told.append(seat.who)
            except Conflict as conflict:
                told.append(conflict.found)
        return told

    async def judge(self, finish: Finish) -> None:
        """Count the winners of each round."""
        state = finish.store.thread(THREAD).state
        wins = Counter(
            n
            for who, told in enumerate(finish.reports)
            for n in range(finish.each)
            if told[n] == who
        )
        for number in range(finish.each):
            require(wins[number] == 1, f"round {number} had {wins[number]} winners")
            winner = await settle(state.get(f"round {number}"))
            for who, told in enumerate(finish.reports):
                wrong = f"contender {who} was told {told[number]}, the winner is {winner}"
                require(told[number] == winner, wrong)
