"""The SQL servers by name: how each is started, and the systems under test there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.sql.mariadb import MariadbDatabase, mariadb
from benchmarks.sql.on_mariadb import AdkMariadb, OpenAiMariadb, RawMariadb, ThreadkeepMariadb
from benchmarks.sql.postgres import PostgresDatabase, postgres
from benchmarks.sql.server import Database
from benchmarks.sql.subjects import Adk, Langgraph, OnServer, OpenAi, Raw, Threadkeep


@dataclass(frozen=True)
class System:
    """A server; the first of `kinds` is the yardstick, the second threadkeep."""

    start: Callable[[Path], AbstractContextManager[int]]
    database: type[Database]
    kinds: tuple[type[OnServer], ...]


SYSTEMS: Final = {
    "postgres": System(postgres, PostgresDatabase, (Raw, Threadkeep, Langgraph, OpenAi, Adk)),
    "mariadb": System(
        mariadb, MariadbDatabase, (RawMariadb, ThreadkeepMariadb, OpenAiMariadb, AdkMariadb)
    ),
}
