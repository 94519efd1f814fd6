"""Where stores lie that are copied. A new kind of server is one line in `KINDS`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path
from typing import Final

from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.servers.process import ServerProcess
from tests.servers.redis import RedisServer
from threadkeep import AsyncStore

BATCH = 500


class Places:
    """Stores by name, on servers of the tests' own, each of which is started when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._filled: set[str] = set()
        self._servers: dict[str, ServerProcess] = {}

    def server(self, kind: str, make: Callable[[], ServerProcess]) -> ServerProcess:
        """Return the server of a kind."""
        if kind not in self._servers:
            self._servers[kind] = self._stack.enter_context(make())
        return self._servers[kind]

    def url(self, kind: str, name: str) -> str:
        """Return the URL of a store, which is empty when it is first asked for."""
        return KINDS[kind](self, name)

    def filled(self, kind: str, threads: int) -> str:
        """Return the URL of a store with many threads, as agents have them."""
        url = self.url(kind, f"many_{threads}")
        if url not in self._filled:
            self._filled.add(url)
            asyncio.run(_fill(url, threads))
        return url

    def close(self) -> None:
        """End the servers."""
        self._stack.close()


async def _fill(url: str, threads: int) -> None:
    """Write many threads as agents have them: some fields, some messages, labels."""
    async with AsyncStore(url) as store:

        async def one(number: int) -> None:
            thread = store.thread(f"thread-{number:06}")
            fields = {
                "intent": "book_flight",
                "number": number,
                "city": "Sofia",
                "raw": b"\x00\xff",
            }
            await thread.state.update(fields, ttl=86_400)
            asked = {"role": "user", "content": f"question {number}"}
            await thread.messages.append(asked, {"role": "assistant", "content": "x" * 200})
            if number % 10 == 0:
                await thread.set_labels(user=f"user-{number % 100}")

        for low in range(0, threads, BATCH):
            await asyncio.gather(*(one(n) for n in range(low, min(low + BATCH, threads))))


def _sqlite(places: Places, name: str) -> str:
    return f"sqlite:///{places.folder / name}.db"


def _valkey(places: Places, name: str) -> str:
    server = places.server("valkey", lambda: RedisServer("valkey9"))
    assert isinstance(server, RedisServer)
    return f"{server.url}?prefix={name}"


def _postgres(places: Places, name: str) -> str:
    server = places.server("postgres", PostgresServer)
    assert isinstance(server, PostgresServer)
    return f"{server.url}?prefix={name}"


def _mariadb(places: Places, name: str) -> str:
    server = places.server("mariadb", MariadbServer)
    assert isinstance(server, MariadbServer)
    server.execute(f"create database if not exists {name}")
    return server.url_of(name)


KINDS: Final[dict[str, Callable[[Places, str], str]]] = {
    "sqlite": _sqlite,
    "valkey": _valkey,
    "postgres": _postgres,
    "mariadb": _mariadb,
}
PAIRS: Final = list(permutations(KINDS, 2))
ROUND: Final = list(
    zip(KINDS, [*list(KINDS)[1:], next(iter(KINDS))], strict=True)
)  # each kind once
