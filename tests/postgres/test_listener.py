"""The connection that listens: whatever happens to it, watchers go on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest

from tests.servers.postgres import PostgresServer
from threadkeep import AsyncStore, Store
from threadkeep._async.drivers.postgres.engine import AsyncPostgresEngine
from threadkeep._async.drivers.postgres.lines import AsyncLines
from threadkeep._sync.drivers.postgres.engine import PostgresEngine
from threadkeep._sync.drivers.postgres.lines import Lines
from threadkeep.engines.sql.postgres.url import settings_of
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.model.urls import parse_url

REF = Ref("default", "thread", "t")
ODD = RuntimeError("no error that a driver of PostgreSQL raises")


class _AsyncOddLines(AsyncLines):
    """Real connections; the first `odd` that are to listen fail in a way that nobody has thought of."""

    odd = 0

    @asynccontextmanager
    async def direct(self) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
        if self.odd:
            self.odd -= 1
            raise ODD
        async with super().direct() as con:
            yield con


class _OddLines(Lines):
    """The same for threads."""

    odd = 0

    @contextmanager
    def direct(self) -> Generator[psycopg.Connection[Any]]:
        if self.odd:
            self.odd -= 1
            raise ODD
        with super().direct() as con:
            yield con


def test_an_unknown_error_does_not_end_the_listener(place: str, caplog: pytest.LogCaptureFixture):
    settings, names = settings_of(parse_url(place))
    lines = _AsyncOddLines(settings)

    async def run() -> None:
        engine = AsyncPostgresEngine(lines, Limits(), names)
        await engine.setup()
        lines.odd = 2
        async with AsyncStore(place) as other:
            async with contextlib.aclosing(engine.watch(REF)) as seen:  # pyright: ignore[reportArgumentType] - it is a generator
                assert await anext(seen) == 0
                await other.thread("t").state.set("a", 1)
                assert await asyncio.wait_for(anext(seen), 20) == 1
                await other.thread("t").state.set("a", 2)
                assert await asyncio.wait_for(anext(seen), 20) == 2
        await engine.aclose()

    with caplog.at_level(logging.WARNING, "threadkeep"):
        asyncio.run(run())
    assert lines.odd == 0
    told = [record for record in caplog.records if "RuntimeError" in record.getMessage()]
    assert len(told) == 1  # once for as long as it lasts


def test_an_unknown_error_does_not_end_the_listening_thread(place: str):
    settings, names = settings_of(parse_url(place))
    lines = _OddLines(settings)
    engine = PostgresEngine(lines, Limits(), names)
    engine.setup()
    lines.odd = 2
    heard: list[int] = []
    three = threading.Event()

    def listen() -> None:
        for revision in engine.watch(REF):
            heard.append(revision)
            if revision == 2:
                three.set()
                return

    listener = threading.Thread(target=listen, daemon=True)
    with Store(place) as other:
        listener.start()
        other.thread("t").state.set("a", 1)
        other.thread("t").state.set("a", 2)
        assert three.wait(20)
    engine.close()


def test_a_listening_connection_that_is_closed_again_and_again(
    postgres: PostgresServer, place: str
):
    """What changes while nobody listens is seen when somebody does."""

    async def run() -> None:
        async with AsyncStore(place) as store, AsyncStore(place) as other:
            engine = await store.ready()
            async with contextlib.aclosing(engine.watch(REF)) as seen:  # pyright: ignore[reportArgumentType] - it is a generator
                assert await anext(seen) == 0
                for n in range(1, 6):
                    postgres.execute(
                        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                        " where query ilike 'listen%' and pid <> pg_backend_pid()"
                    )
                    await other.thread("t").state.set("a", n)
                    while await asyncio.wait_for(anext(seen), 20) < n:
                        pass

    asyncio.run(run())
