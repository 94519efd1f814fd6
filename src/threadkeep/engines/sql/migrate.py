"""Numbered migrations: what there is, what is applied, what is to be done. Pure.

`pre` comes before a deploy: the release before this one goes on working with it. `post` comes when no process of
that release is left. The two files of a pair have one name and numbers that follow each other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from threadkeep.errors import Forbidden, SchemaMismatch, UsageError

Phase = Literal["pre", "post"]
BOTH: Final[tuple[Phase, ...]] = ("pre", "post")
_FILE: Final = re.compile(r"(\d{4})_(pre|post)_(\w+)\.sql")
_EARLIER: Final = re.compile(r"^-- earlier form: ([0-9a-f]{32})$", re.MULTILINE)
_FUNCTIONS: Final = re.compile(r"^-- functions: (\d+)$", re.MULTILINE)


class Migration(msgspec.Struct, frozen=True):
    """One numbered `.sql` file."""

    number: int
    phase: Phase
    name: str
    sql: str

    @property
    def title(self) -> str:
        """Return what the store calls it."""
        return f"{self.phase}_{self.name}"

    @property
    def file(self) -> str:
        """Return the name of the file."""
        return f"{self.number:04}_{self.title}.sql"

    @property
    def checksum(self) -> str:
        """Return what the file was when it was applied, shortened."""
        return hashlib.sha256(self.sql.encode()).hexdigest()[:32]

    @property
    def functions(self) -> int:
        """Return the release whose functions the file means, by its line `-- functions: N`; 1 without one."""
        found = _FUNCTIONS.search(self.sql)
        return int(found[1]) if found else 1

    def fits(self, checksum: str) -> bool:
        """Tell whether a checksum is the file's own, or that of an earlier form which had the same effect."""
        return checksum == self.checksum or checksum in _EARLIER.findall(self.sql)


@cache
def known(package: str) -> tuple[Migration, ...]:
    """Return the migrations of a dialect in order."""
    found: list[Migration] = []
    for file in files(package).joinpath("migrations").iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            phase: Phase = "pre" if match[2] == "pre" else "post"
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), phase, match[3], sql))
    return tuple(sorted(found, key=lambda m: m.number))


class Schema(msgspec.Struct, frozen=True):
    """What this release knows and what is applied in a store: numbers with the checksums of their files.

    `done`: what the call that returns this has applied.
    """

    known: tuple[Migration, ...]
    applied: dict[int, str]
    done: tuple[Migration, ...] = ()

    @property
    def number(self) -> int:
        """Return the number of the newest migration that is applied; 0: nothing of threadkeep is there."""
        return max(self.applied, default=0)

    @property
    def newest(self) -> int:
        """Return the number of the newest migration that this release knows."""
        return self.known[-1].number

    @property
    def pending(self) -> tuple[Migration, ...]:
        """Return what is not applied, in order."""
        return tuple(m for m in self.known if m.number not in self.applied)

    def after(self, done: tuple[Migration, ...]) -> Schema:
        """Return the schema that these migrations make of it."""
        return Schema(self.known, self.applied | {m.number: m.checksum for m in done}, done)

    @property
    def fault(self) -> str | None:
        """Say why this release must not touch the store; None when it may."""
        if self.number > self.newest:
            return f"the store has schema {self.number}, this release knows {self.newest}: upgrade threadkeep"
        for migration in self.known:
            if not migration.fits(self.applied.get(migration.number, migration.checksum)):
                return (
                    f"migration {migration.file} was applied in another form than this release has"
                )
        return None

    def check(self) -> None:
        """Raise SchemaMismatch for a store that this release must not touch."""
        if self.fault is not None:
            raise SchemaMismatch(f"{self.fault}; nothing was touched")

    @property
    def opening(self) -> tuple[Migration, ...]:
        """Return what a store that is opened has applied: `pre`; all of it where nothing stands yet."""
        return self.due(("pre",)) if self.applied else self.pending

    def due(self, phases: Collection[Phase] = BOTH) -> tuple[Migration, ...]:
        """Return what is to be applied of these phases. UsageError for `post` where its `pre` is lacking."""
        if "pre" not in phases:
            before = next((m for m in self.pending if m.phase == "pre"), None)
            if before is not None and any(m.phase == "post" for m in self.pending):
                raise UsageError(
                    f"{before.file} is not applied; run `threadkeep migrate apply --pre` first"
                )
        return tuple(m for m in self.pending if m.phase in phases)


def not_allowed(why: str) -> Forbidden:
    """Return the error for a user who may not change the schema."""
    return Forbidden(
        f"the schema is to be brought up to date, and this user may not do it ({why}):"
        " have somebody who may run `threadkeep migrate apply`, or apply what `threadkeep migrate sql` prints"
    )
