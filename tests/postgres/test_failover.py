"""A primary and its standby: the one dies under load, the other takes over, and calls go on there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from tests.races.figures import Say
from tests.servers.postgres import PostgresServer, Standby
from tests.servers.proxy import Proxy
from tests.servers.waiting import eventually
from threadkeep import AsyncStore, Store, Unavailable
from threadkeep.model.refs import Ref

CALLERS = 24


@contextlib.contextmanager
def replicated() -> Iterator[tuple[PostgresServer, Standby]]:
    """Run a primary that acknowledges what its standby has too, and that standby."""
    with PostgresServer(durable=True) as primary, Standby(primary, durable=True) as standby:
        eventually(lambda: _streams(primary), "the standby")
        primary.execute("alter system set synchronous_standby_names = '*'")
        primary.execute("select pg_reload_conf()")
        yield primary, standby


def _streams(primary: PostgresServer) -> bool:
    return primary.execute("select state from pg_stat_replication") == [("streaming",)]


def _url(first: PostgresServer, second: PostgresServer) -> str:
    hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    return f"postgresql://postgres@{hosts}/postgres?wait=20"


class Caller:
    """One who counts on, and keeps account of what it was told."""

    def __init__(self, store: AsyncStore, name: str) -> None:
        self._thread = store.thread(name)
        self.done = self.open = self.refused = self.after = 0

    async def run(self, over: asyncio.Event, end: asyncio.Event) -> None:
        while not end.is_set():
            try:
                await self._thread.state.increment("n")
                await self._thread.messages.append({"role": "user", "content": "x"})
            except Unavailable as error:
                self.open += error.maybe_applied
                self.refused += not error.maybe_applied
                await asyncio.sleep(0.01)
            else:
                self.done += 1
                self.after += over.is_set()

    async def check(self) -> None:
        counted = await self._thread.state.get("n", default=0)
        messages = await self._thread.messages.count()
        assert self.done <= messages <= counted
        # each call was done once, or it said that it may have been: nothing else came in, nothing twice
        assert counted <= self.done + self.open + self.refused
        assert messages <= self.done + self.open


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.long)])
def test_a_primary_that_dies_under_load(rounds: int, say: Say):
    for _ in range(rounds):
        with replicated() as (primary, standby):
            _standby_first(primary, standby)
            say(asyncio.run(_fail_over(primary, standby)))


def _standby_first(primary: PostgresServer, standby: Standby) -> None:
    """Of several addresses the one is taken that can be written to, also where nobody asked for it."""
    with Store(_url(standby, primary)) as store:
        store.thread("first").state.set("a", 1)
    assert primary.execute("select count(*) from tk_entity") == [(1,)]


async def _fail_over(primary: PostgresServer, standby: Standby) -> str:
    over, end = asyncio.Event(), asyncio.Event()
    async with AsyncStore(_url(primary, standby)) as store:
        engine = await store.ready()
        callers = [Caller(store, f"t{n}") for n in range(CALLERS)]
        watched = Ref("default", "thread", "t0")
        async with contextlib.aclosing(engine.watch(watched)) as seen:  # pyright: ignore[reportArgumentType] - it is a generator
            await anext(seen)
            load = asyncio.gather(*(caller.run(over, end) for caller in callers))
            while min(caller.done for caller in callers) < 5:  # noqa: ASYNC110 - a bounded load
                await asyncio.sleep(0.01)
            await asyncio.to_thread(primary.kill)
            await asyncio.to_thread(standby.promote)
            over.set()
            while min(caller.after for caller in callers) < 5:  # noqa: ASYNC110 - a bounded load
                await asyncio.sleep(0.01)
            end.set()
            await load
            last = await engine_revision(store, "t0")
            async with asyncio.timeout(20):
                while await anext(seen) < last:
                    pass
        for caller in callers:
            await caller.check()
    done, open_ = (sum(getattr(c, name) for c in callers) for name in ("done", "open"))
    refused = sum(c.refused for c in callers)
    assert done >= CALLERS * 10
    return f"{done} acknowledged, {open_} perhaps, {refused} refused by a failover under {CALLERS} callers"


async def engine_revision(store: AsyncStore, name: str) -> int:
    info = await store.thread(name).info()
    assert info is not None
    return info.revision


def test_an_address_that_does_not_answer_is_passed_over():
    with PostgresServer() as server, Proxy(server.port) as silent:
        silent.stall()
        hosts = f"127.0.0.1:{silent.port},127.0.0.1:{server.port}"
        url = f"postgresql://postgres@{hosts}/postgres?connect_timeout=2"
        with Store(url) as store:
            store.thread("t").state.set("a", 1)
            assert store.thread("t").state.get("a") == 1
