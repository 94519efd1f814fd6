"""The server is killed under load, with all of its processes, and started again: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio

import pytest

from tests.races.figures import Say
from tests.servers.postgres import PostgresServer
from threadkeep import AsyncStore, Unavailable

WRITERS = 32
SHORT = pytest.param(1, 15, id="short")
MARKS = [pytest.mark.long, pytest.mark.timeout(1_800)]
LONG = pytest.param(30, 100, id="long", marks=MARKS)


class Writer:
    """One who sets, counts, appends and saves on a thread of its own, one after the other."""

    def __init__(self, store: AsyncStore, name: str) -> None:
        self._thread = store.thread(name)
        self.acknowledged = self.open = 0
        self._number = 0

    async def run(self, end: asyncio.Event) -> None:
        """Write until the server is away, or until it is back where nothing was under way."""
        while not end.is_set():
            self._number += 1
            try:
                await self._thread.state.update({"last": self._number, "text": "x" * 200})
                await self._thread.messages.append({"id": f"m{self._number}", "content": "x" * 300})
                await self._thread.state.increment("count")
            except Unavailable as error:
                self.open += error.maybe_applied
                return
            self.acknowledged += 1

    def lacks(self, count: int) -> bool:
        """Tell whether fewer than so many rounds were acknowledged."""
        return self.acknowledged < count

    async def check(self) -> None:
        """Find each acknowledged write, and nothing that was not asked for."""
        last = await self._thread.state.get("last", default=0)
        count = await self._thread.state.get("count", default=0)
        ids = [entry.id for entry in await self._thread.messages.entries()]
        assert self.acknowledged <= count <= self.acknowledged + self.open
        assert self.acknowledged <= last <= self._number
        assert len(ids) == len(set(ids))
        assert self.acknowledged <= len(ids) <= self._number
        info = await self._thread.info()
        assert info is None or info.messages == len(ids)


@pytest.mark.parametrize(("kills", "rounds"), [SHORT, LONG])
def test_each_acknowledged_write_is_there(kills: int, rounds: int, say: Say):
    async def run(server: PostgresServer) -> list[Writer]:
        async with AsyncStore(f"{server.url}?wait=20") as store:
            writers = [Writer(store, f"t{n}") for n in range(WRITERS)]
            for kill in range(kills):
                before = [writer.acknowledged for writer in writers]
                end = asyncio.Event()
                load = asyncio.gather(*(writer.run(end) for writer in writers))
                wanted = [count + rounds for count in before]
                while any(map(Writer.lacks, writers, wanted)):  # noqa: ASYNC110 - a bounded load
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                end.set()
                await load
                assert all(w.acknowledged for w in writers), kill
                for writer in writers:
                    await writer.check()
            return writers

    with PostgresServer(durable=True) as server:
        writers = asyncio.run(run(server))
    done, open_ = sum(w.acknowledged for w in writers), sum(w.open for w in writers)
    say(f"{kills} kills under {WRITERS} callers: {3 * done} writes acknowledged, {open_} open")
