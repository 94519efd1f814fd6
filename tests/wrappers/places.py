"""Where the suite runs sealed."""

from __future__ import annotations

from pathlib import Path

from tests.wrappers.raw import RING
from threadkeep.engines.sql.sqlite.connect import Settings
from threadkeep.wrapping import Wrapping, checksum, encrypt

WRAPS: dict[str, list[Wrapping]] = {
    "encrypted": [encrypt(RING)],
    "both": [checksum(), encrypt(RING)],
}
# (engine, wrappers): encryption on each engine, checksums below it on the fastest
PLACES = [("memory", "both"), ("sqlite-file", "encrypted"), ("sqlite-memory", "encrypted")]


def settings(engine: str, folder: Path) -> Settings:
    """Return the settings of an SQLite engine."""
    if engine == "sqlite-memory":
        return Settings(path=":memory:")
    return Settings(path=str(folder / "suite.db"), durability="normal")
