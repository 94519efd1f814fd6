"""Races for the end of a history."""

from __future__ import annotations

import time

from threadkeep.testing.races_crew import THREAD, Finish, Report, Seat, require, settle


class Appends:
    """Concurrent appends all stand, each whole, in one order that all readers see."""

    name = "appends"

    async def contend(self, seat: Seat) -> Report:
        """Append pairs and report what was seen of the others' meanwhile."""
        messages = seat.store.thread(THREAD).messages
        seen: Report = []
        for number in range(seat.each):
            pair = [{"who": seat.who, "number": number, "half": half} for half in (0, 1)]
            added = await seat.waits.on(time.perf_counter(), messages.append(*pair))
            require(added.seqs[1] == added.seqs[0] + 1, f"a pair got the numbers {added.seqs}")
            after = max(0, added.seqs[0] - 6)
            for message in await settle(messages.entries(after=after, limit=12)):
                seen.append([message.seq, *message.value.values()])
        return seen

    async def judge(self, finish: Finish) -> None:
        """Hold what everybody saw against what stands."""
        found = await settle(finish.store.thread(THREAD).messages.entries())
        total = 2 * finish.total
        require(len(found) == total, f"{total} messages were appended, {len(found)} stand")
        stands = {message.seq: list(message.value.values()) for message in found}
        require(sorted(stands) == list(range(1, total + 1)), "the numbers have gaps")
        for first in range(1, total, 2):
            (who, number, _), other = stands[first], stands[first + 1]
            require(stands[first][2] == 0, f"message {first} begins with a second half")
            require(other == [who, number, 1], f"message {first} and the next are of two pairs")
        for who, report in enumerate(finish.reports):
            mine = [value[1] for value in stands.values() if value[0] == who and value[2] == 0]
            require(mine == list(range(finish.each)), f"contender {who}'s pairs stand out of order")
            for seq, *value in report:
                require(stands[seq] == value, f"contender {who} saw another message {seq}")
