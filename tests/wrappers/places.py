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
# (engine, wrappers): each wrapper on the fastest engine, encryption where others read beside it
PLACES = [("memory", "checked"), ("memory", "both"), ("sqlite-file", "encrypted")]
TWINS = [("memory", "both"), ("sqlite-file", "encrypted")]


def settings(folder: Path) -> Settings:
    """Return the settings of the SQLite engine."""
    return Settings(path=str(folder / "suite.db"), durability="normal")
