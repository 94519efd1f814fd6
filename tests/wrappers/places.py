"""Where the suite runs sealed."""

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
# (engine, wrappers): encryption on each engine, checksums on the fastest, where both are at once too
TWINS = [("memory", "both"), ("sqlite-file", "encrypted"), ("sqlite-memory", "encrypted")]
PLACES = [*TWINS, ("memory", "checked")]


def settings(engine: str, folder: Path) -> Settings:
    """Return the settings of an SQLite engine."""
    if engine == "sqlite-memory":
        return Settings(path=":memory:")
    return Settings(path=str(folder / "suite.db"), durability="normal")
