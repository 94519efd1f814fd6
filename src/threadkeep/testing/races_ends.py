"""Races for a turn, and against the end of a thread."""

from __future__ import annotations

import time

from threadkeep._async.turn import AsyncTurn
from threadkeep.errors import Gone
from threadkeep.testing.races_crew import (
    THREAD,
    AnyStore,
    Finish,
    Report,
    Seat,
    pause,
    require,
    settle,
)


class Turns:
    """Within a turn nobody else writes, so that reading, thinking and writing loses nothing."""

    name = "turns"

    async def contend(self, seat: Seat) -> Report:
        """Count up by reading and writing without a guard, each time within a turn."""
        thread = seat.store.thread(THREAD)
        fences: Report = []
        for _ in range(seat.each):
            turn = thread.turn()
            begun = time.perf_counter()
            if isinstance(turn, AsyncTurn):
                async with turn:
                    seat.waits.seconds.append(time.perf_counter() - begun)
                    await self._count(seat.store)
            else:
                with turn:
                    seat.waits.seconds.append(time.perf_counter() - begun)
                    await self._count(seat.store)
            fences.append(turn.token)
        return fences

    async def _count(self, store: AnyStore) -> None:
        state = store.thread(THREAD).state
        found = await settle(state.get("n", 0))
        await pause(store, 0.001)
        await settle(state.set("n", found + 1))

    async def judge(self, finish: Finish) -> None:
        """Compare the count with the turns."""
        total = finish.total
        found = await settle(finish.store.thread(THREAD).state.get("n"))
        require(found == total, f"{total} turns counted {found}")
        fences = [fence for report in finish.reports for fence in report]
        require(len(set(fences)) == total, "two turns had the same fencing token")
        for report in finish.reports:
            require(report == sorted(report), "a later turn had a smaller fencing token")


class Destroy:
    """Destroyed under live writers a thread is gone: for them, and for all who come after."""

    name = "destroy"

    async def contend(self, seat: Seat) -> Report:
        """Write until the thread is gone; contender 0 destroys it after `each` writes."""
        thread = seat.store.thread(THREAD)
        if seat.who == 0:
            await settle(thread.state.set("born", 1))
        await seat.wait_for_all("born")
        info = await settle(thread.info())
        require(info is not None, "the thread to destroy was never born")
        epoch = info.epoch if info else ""
        await seat.wait_for_all("met")
        written, grace = 0, 2
        try:
            while grace:
                if seat.who == 0 and written == seat.each:
                    await settle(seat.store.thread(THREAD).destroy())
                    await settle(seat.store.app().state.set("destroyed", 1))
                if grace < 2 or (written % 20 == 0 and await self._is_over(seat)):
                    grace -= 1
                await seat.waits.on(time.perf_counter(), thread.state.set(f"f{seat.who}", written))
                await settle(thread.messages.append({"who": seat.who, "number": written}))
                written += 1
        except Gone:
            return [epoch, written]
        return [epoch, -1]

    async def _is_over(self, seat: Seat) -> bool:
        return await settle(seat.store.app().state.has("destroyed"))

    async def judge(self, finish: Finish) -> None:
        """See that nothing is left and a new thread is new."""
        epochs = {epoch for epoch, _ in finish.reports}
        require(len(epochs) == 1, "contenders met different incarnations")
        stopped = [written for _, written in finish.reports]
        require(min(stopped) >= 0, f"a holder of the old thread was never told: {stopped}")
        thread = finish.store.thread(THREAD)
        require(await settle(thread.info()) is None, "something is left of the thread")
        require(await settle(thread.state.keys()) == [], "fields are left")
        require(await settle(thread.messages.count()) == 0, "messages are left")
        await settle(thread.state.set("new", 1))
        info = await settle(thread.info())
        require(info is not None and info.epoch not in epochs, "the new thread is the old one")
        require(info is not None and info.fields == 1 and not info.items, "the new thread has more")
