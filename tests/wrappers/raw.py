"""An SQLite store as its file shows it, past every wrapper."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from threadkeep.wrapping import KeyRing

OLD, NEW = b"o" * 32, b"n" * 32
RING = KeyRing({"old": OLD})


def url(path: Path) -> str:
    return f"sqlite:///{path}?durability=normal"


def sql(path: Path, statement: str, *args: Any) -> list[Any]:
    with closing(sqlite3.connect(path)) as con, con:
        return con.execute(statement, args).fetchall()


def field(path: Path, name: str) -> bytes:
    [[value]] = sql(path, "select value from tk_field where name = ? and map = 'state'", name)
    return value


def put_field(path: Path, name: str, value: bytes):
    sql(path, "update tk_field set value = ? where name = ? and map = 'state'", value, name)


def item(path: Path, at: int) -> bytes:
    """Return the item that was written as number `at` of all."""
    return sql(path, "select value from tk_item order by pos")[at - 1][0]


def put_item(path: Path, at: int, value: bytes):
    pos = sql(path, "select pos from tk_item order by pos")[at - 1][0]
    sql(path, "update tk_item set value = ? where pos = ?", value, pos)


def everything(path: Path) -> bytes:
    """Return the bytes of the file and of its journal."""
    return b"".join(p.read_bytes() for p in sorted(path.parent.glob(path.name + "*")))


def key_ids(path: Path) -> dict[str, int]:
    """Return how many values stand under each key id."""
    values = sql(
        path,
        "select value from tk_field where map not like '#%' union all select value from tk_item",
    )
    found: dict[str, int] = {}
    for (value,) in values:
        name = value[1:17].rstrip(b"\0").decode() if value[:1] == b"E" else "plain"
        found[name] = found.get(name, 0) + 1
    return found
