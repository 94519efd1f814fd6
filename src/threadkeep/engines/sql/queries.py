"""Named SQL statements, read from `.sql` files in the package."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import LiteralString, cast


def load(package: str, file: str = "queries.sql") -> dict[str, LiteralString]:
    """Return the statements of a file by the names in its `-- name:` lines, comments removed."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    found: dict[str, LiteralString] = {}
    for block in re.split(r"^-- name: ", text, flags=re.MULTILINE)[1:]:
        name, _, body = block.partition("\n")
        body = re.sub(r"--[^\n]*", "", body).strip().rstrip(";")
        found[name.strip()] = cast("LiteralString", body)
    return found
