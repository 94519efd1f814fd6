"""Numbered migrations: what there is, what is applied, what is to be done. Pure."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import msgspec

from threadkeep.errors import SchemaMismatch


class Migration(msgspec.Struct, frozen=True):
    """One numbered `.sql` file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return what the file was when it was applied, shortened."""
        return hashlib.sha256(self.sql.encode()).hexdigest()[:32]


def known(package: str) -> tuple[Migration, ...]:
    """Return the migrations of a dialect in order."""
    found: list[Migration] = []
    for file in files(package).joinpath("migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match:
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), match[2], sql))
    return tuple(sorted(found, key=lambda m: m.number))


def pending(migrations: tuple[Migration, ...], applied: dict[int, str]) -> tuple[Migration, ...]:
    """Return what is to be done; SchemaMismatch when the schema is newer or a file was changed."""
    newest = migrations[-1].number
    found = max(applied, default=0)
    if found > newest:
        raise SchemaMismatch(
            f"the store has schema {found}, this release knows {newest}: upgrade threadkeep; nothing was touched"
        )
    for migration in migrations:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise SchemaMismatch(
                f"migration {migration.number} was applied in another form than this release has; nothing was touched"
            )
    return tuple(m for m in migrations if m.number not in applied)
