"""Where the suite runs sealed: each engine of this package that lives in a file or in memory."""

from __future__ import annotations

from pathlib import Path

from tests.wrappers.raw import RING
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.wrapping import Wrapping, checksum, encrypt

WRAPS: dict[str, list[Wrapping]] = {
    "encrypted": [encrypt(RING)],
    "checked": [checksum()],
    "both": [checksum(), encrypt(RING)],
}
# (engine, wrappers): encryption on each engine, each wrapper on the fastest
ENCRYPTED = [(engine, "encrypted") for engine in ("memory", "sqlite-memory", "sqlite-file")]
PLACES = [*ENCRYPTED, ("memory", "checked"), ("memory", "both")]


def settings(engine: str, folder: Path) -> Settings:
    """Return the settings of an SQLite engine."""
    if engine == "sqlite-memory":
        return Settings(path=":memory:")
    return Settings(path=str(folder / "suite.db"), durability="normal")
