"""Keep the present schema of a dialect with data: `python -m tests.migrations.keep DIALECT ...`.

Once for each new schema: a fixture of one that was released is never made again. SQLite's first was made by the release
before migrations came in pairs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.migrations.contents import fill
from tests.migrations.places import (
    FIXTURES,
    MysqlPlace,
    Place,
    PostgresPlace,
    SqlitePlace,
    migrations,
)
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer


@contextmanager
def _place(dialect: str) -> Generator[Place]:
    if dialect == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield SqlitePlace(Path(folder) / "s.db")
    elif dialect == "postgres":
        with PostgresServer() as server:
            yield PostgresPlace(server, "kept")
    else:
        with MariadbServer() as server:
            yield MysqlPlace(server, "kept")


def keep(dialect: str) -> None:
    target = FIXTURES / dialect / f"{migrations(dialect)[-1].number:04}.sql"
    with _place(dialect) as place:
        place.furnish()
        fill(place.url)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(place.dump(), encoding="utf-8")
    sys.stdout.write(f"wrote {target}\n")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        keep(name)
