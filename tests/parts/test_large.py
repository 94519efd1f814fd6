"""What a part of 16 MiB costs after it is set: it stands once, and a renewal or a count writes none of it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from threadkeep import Store

pytestmark = pytest.mark.long
MiB = 1 << 20
SIZE = 16 * MiB
SMALL = 64 << 10  # bytes: two pages of an index and what goes around them
CONTENT = b"%PDF-" + os.urandom(SIZE - 5)


class Meter:
    """A store and what was written by it so far, in bytes, where its data ends up."""

    def __init__(self, name: str, url: str, written: Callable[[], int]) -> None:
        self.name, self.url, self._written = name, url, written

    def cost(self, what: str, call: Callable[[], object]) -> int:
        before = self._written()
        call()
        cost = self._written() - before
        print(f"\n{self.name}: {what}: {cost:,} bytes", end="")  # noqa: T201 - the figures of docs/how-to/parts.md
        return cost


@contextmanager
def sqlite(folder: Path) -> Iterator[Meter]:
    path = folder / "parts.db"

    def written() -> int:
        # of the log, which is emptied first: only then it grows with each page that is written
        log = path.with_name(path.name + "-wal")
        size = log.stat().st_size if log.exists() else 0
        with sqlite3.connect(path) as con:
            con.execute("pragma wal_checkpoint(truncate)")
        return grown.append(size) or sum(grown)

    grown: list[int] = []
    yield Meter("sqlite", f"sqlite:///{path}", written)


@contextmanager
def postgres(_folder: Path) -> Iterator[Meter]:
    with PostgresServer() as server:

        def written() -> int:
            (row,) = server.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
            return int(row[0])

        # a page that changes first after a checkpoint goes to the log whole, whatever is changed in it
        server.execute("alter system set full_page_writes = off")
        server.execute("select pg_reload_conf()")
        yield Meter("postgres", server.url, written)


@contextmanager
def valkey(_folder: Path) -> Iterator[Meter]:
    with RedisServer("valkey9") as server, Proxy(server.port) as proxy:

        def written() -> int:
            return proxy.counts.bytes_up + proxy.counts.bytes_down

        yield Meter("valkey", re.sub(r":\d+", f":{proxy.port}", server.url), written)


@pytest.mark.parametrize("engine", [sqlite, postgres, valkey])
def test_a_large_part_is_written_once(
    engine: Callable[[Path], AbstractContextManager[Meter]], tmp_path: Path
) -> None:
    with engine(tmp_path) as meter, Store(meter.url) as store:
        thread, cost = store.thread("t"), meter.cost
        parts = thread.parts
        parts.set_text("first", "x")

        def put(name: str) -> Callable[[], object]:
            return lambda: parts.set_file(name, CONTENT, ttl=600, uses=3)

        assert SIZE < cost("set", put("a")) < SIZE * 1.2
        assert cost("set again under another name", put("b")) < SMALL
        assert cost("renew", thread.state.touch) < SMALL
        # over the network it is read, once though two parts have it
        read = SIZE * 1.2 if meter.name == "valkey" else 0
        assert cost("count down", parts.take) < SMALL + read
        # SQLite notes each page that becomes free, PostgreSQL each row; nothing of it is read
        assert cost("clear", parts.clear) < (SIZE * 1.2 if meter.name == "sqlite" else SMALL * 16)
