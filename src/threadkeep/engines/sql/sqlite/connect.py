"""Opening an SQLite database and saying what is wrong with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

import msgspec

from threadkeep.errors import (
    DataLost,
    Forbidden,
    SchemaMismatch,
    ThreadkeepError,
    Timeout,
    Unavailable,
    UsageError,
)

CACHE_KIB = {True: 64_000, False: 16_000}  # of the writer, of each reader


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to open it. `durability`: full survives power loss, normal a kill. `timeout`: seconds to wait for a lock."""

    path: str
    durability: str = "full"
    mode: str = "rw"
    timeout: float = 5.0

    def __post_init__(self) -> None:
        if self.durability not in ("full", "normal"):
            raise UsageError(f"durability is {self.durability!r}; use full or normal")
        if self.mode not in ("rw", "ro"):
            raise UsageError(f"mode is {self.mode!r}; use rw or ro")
        if not 0 <= self.timeout <= 3600:
            raise UsageError(f"timeout is {self.timeout}; use 0 to 3600 seconds")

    @property
    def memory(self) -> bool:
        """Tell whether the database lives in this process alone."""
        return self.path == ":memory:"


def map_error(error: sqlite3.Error, path: str) -> ThreadkeepError:
    """Return the error of threadkeep that an error of SQLite means."""
    code = getattr(error, "sqlite_errorcode", 0)
    primary = code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Timeout(f"{path} is locked by another process; try again or raise ?timeout=")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return Forbidden(f"{path} cannot be written: it is read-only here ({error})")
    if primary == sqlite3.SQLITE_FULL:
        return Unavailable(f"the disk of {path} is full; nothing was written, make room")
    if primary == sqlite3.SQLITE_NOTADB:
        return SchemaMismatch(f"{path} is not an SQLite database; nothing was touched")
    if primary == sqlite3.SQLITE_CORRUPT:
        return DataLost(f"{path} is corrupt ({error}); restore a backup or use sqlite3's .recover")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return Unavailable(
            f"{path} cannot be opened: check that its folder exists and may be written"
        )
    if primary == sqlite3.SQLITE_IOERR:
        return Unavailable(f"the disk of {path} failed ({error})", maybe_applied=True)
    if primary == sqlite3.SQLITE_TOOBIG:
        return UsageError("a value is larger than SQLite can hold")
    return Unavailable(f"SQLite refused the call on {path}: {error}")


def open_connection(settings: Settings, *, write: bool, wait: float) -> sqlite3.Connection:
    """Return a configured connection; `wait` is SQLite's own patience with locks, in seconds."""
    if settings.memory:
        target = "file::memory:"
    else:
        mode = "ro" if settings.mode == "ro" else "rwc" if write else "rw"
        target = f"file:{quote(str(Path(settings.path).absolute()))}?mode={mode}"
    con = sqlite3.connect(
        target,
        uri=True,
        timeout=wait,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        con.execute(f"pragma cache_size = -{CACHE_KIB[write]}")
        con.execute("pragma temp_store = memory")
        if write and not settings.memory:
            synchronous = "full" if settings.durability == "full" else "normal"
            con.execute(f"pragma synchronous = {synchronous}")
    except BaseException:
        con.close()
        raise
    return con
