"""Races for parts that are for one message."""

from __future__ import annotations

import time
from collections import Counter

from threadkeep.testing.races_crew import THREAD, Finish, Report, Seat, require, settle

LARGE = "x" * 70_000  # stands once, whoever sets it
SHOWN = [{"type": "text", "text": text} for text in (LARGE, "short")]


class OneMessage:
    """A part for one message goes to one of those who take, or to a clear; none is lost, none is damaged."""

    name = "parts"

    async def contend(self, seat: Seat) -> Report:
        """Set a part, of equal content at times, then take what waits or clear it; report both."""
        parts = seat.store.thread(THREAD).parts
        used: list[str] = []
        cleared = 0
        for number in range(seat.each):
            text = LARGE if number % 2 else "short"
            await settle(parts.set_text(f"{seat.who}-{number}", text, uses=1))
            if seat.who == 0 and number % 3 == 0:
                cleared += await settle(parts.clear())
                continue
            taken = await seat.waits.on(time.perf_counter(), parts.take())
            whole = all(found in SHOWN for found in taken.content)
            require(whole, "a part was taken that nobody set so")
            used += taken.used
        return [cleared, *used]

    async def judge(self, finish: Finish) -> None:
        """Count what was set, used, cleared and still stands."""
        thread = finish.store.thread(THREAD)
        cleared = sum(report[0] for report in finish.reports)
        used = Counter(name for report in finish.reports for name in report[1:])
        twice = [name for name, count in used.items() if count > 1]
        require(not twice, f"parts for one message were used twice: {twice}")
        stands = len(await settle(thread.parts.all()))
        found = len(used) + cleared + stands
        require(found == finish.total, f"of {finish.total} parts {found} were used or cleared")
        require(await settle(thread.parts.clear()) == stands, "a clear left or missed parts")
        require(not await settle(thread.parts.all()), "parts stand after a clear")
