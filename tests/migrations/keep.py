"""Keep the present schema with data as a fixture: `python -m tests.migrations.keep`, once for each new schema.

A fixture of a schema that was released is never made again.
"""

from __future__ import annotations

import sys
import tempfile
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


def keep(place: Place) -> None:
    place.furnish()
    fill(place.url)
    target = FIXTURES / place.dialect / f"{migrations(place.dialect)[-1].number:04}.sql"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(place.dump(), encoding="utf-8")
    sys.stdout.write(f"wrote {target}\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        keep(SqlitePlace(Path(folder) / "s.db"))
    with PostgresServer() as server:
        keep(PostgresPlace(server, "kept"))
    with MariadbServer() as server:
        keep(MysqlPlace(server, "kept"))


if __name__ == "__main__":
    main()
