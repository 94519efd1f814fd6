"""Where stores lie that are copied. A new kind of server is one line in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path
from typing import Final

from tests.servers.postgres import PostgresServer
from tests.servers.process import ServerProcess
from tests.servers.redis import RedisServer


class Places:
    """Stores by name, on servers of the tests' own, each of which is started when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._servers: dict[str, ServerProcess] = {}

    def server(self, kind: str, make: Callable[[], ServerProcess]) -> ServerProcess:
        """Return the server of a kind."""
        if kind not in self._servers:
            self._servers[kind] = self._stack.enter_context(make())
        return self._servers[kind]

    def url(self, kind: str, name: str) -> str:
        """Return the URL of a store, which is empty when it is first asked for."""
        return KINDS[kind](self, name)

    def close(self) -> None:
        """End the servers."""
        self._stack.close()


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


KINDS: Final[dict[str, Callable[[Places, str], str]]] = {
    "sqlite": _sqlite,
    "valkey": _valkey,
    "postgres": _postgres,
}
PAIRS: Final = list(permutations(KINDS, 2))
ROUND: Final = list(
    zip(KINDS, [*list(KINDS)[1:], next(iter(KINDS))], strict=True)
)  # each kind once
