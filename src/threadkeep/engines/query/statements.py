"""The few statements that documents in a table need, in SQL that every database takes."""

from __future__ import annotations

import hashlib
import re
import sys
from typing import Any, Final

from threadkeep.errors import UsageError

TABLE: Final = "threadkeep_documents"
STYLES: Final = ("?", "%s", "$1")
_PARAMSTYLES: Final = {"qmark": "?", "format": "%s", "pyformat": "%s", "numeric_dollar": "$1"}
_KNOWN: Final = {"asyncpg": "$1", "asyncmy": "%s", "aiomysql": "%s"}  # that do not say it


class Statements:
    """Statements on one table, with `?` for each parameter; they hold no other question mark."""

    def __init__(self, table: str) -> None:
        named = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
        if not re.fullmatch(rf"{named}(\.{named})?", table, re.ASCII):
            raise UsageError(
                f"table {table!r} is no plain name; letters, digits and _, after a schema and a dot if need be"
            )
        self.table = table
        self.look = f"SELECT version FROM {table} WHERE id = ?"
        self.get = f"SELECT name, data FROM {table} WHERE id = ?"
        self.list = f"SELECT name FROM {table}"
        self.insert = f"INSERT INTO {table} (id, version, name, data) VALUES (?, ?, ?, ?)"
        self.update = f"UPDATE {table} SET version = ?, data = ? WHERE id = ? AND version = ?"
        self.replace = f"UPDATE {table} SET version = ?, data = ? WHERE id = ?"
        self.delete = f"DELETE FROM {table} WHERE id = ?"
        self.remove = f"DELETE FROM {table} WHERE id = ? AND version = ?"
        columns = "id VARCHAR(64) NOT NULL PRIMARY KEY, version BIGINT NOT NULL, name TEXT NOT NULL"
        self.create = tuple(
            f"CREATE TABLE IF NOT EXISTS {table} ({columns}, data {text} NOT NULL)"
            for text in ("LONGTEXT", "TEXT")  # a TEXT of MySQL ends at 64 kB; others have no other
        )

    def get_many(self, count: int) -> str:
        """Return the statement for so many documents."""
        return self.get.replace("= ?", f"IN ({', '.join('?' * count)})")


def key_of(id_: str) -> str:
    """Return the key of a document: short enough for every index, and the same for no two ids."""
    return hashlib.sha256(id_.encode()).hexdigest()


def styled(sql: str, style: str) -> str:
    """Return a statement with its parameters in another style. Raises UsageError for an unknown one."""
    if style == "?":
        return sql
    if style == "%s":
        return sql.replace("?", "%s")
    if style == "$1":
        first, *rest = sql.split("?")
        return first + "".join(f"${n}{part}" for n, part in enumerate(rest, 1))
    raise UsageError(f"parameter style {style!r} is unknown; use one of {', '.join(STYLES)}")


def style_of(connection: object) -> str:
    """Return the parameter style of a connection, as its module names it. Raises UsageError where it does not."""
    for class_ in type(connection).__mro__:
        name = class_.__module__.split(".")[0]
        stated: Any = getattr(sys.modules.get(name), "paramstyle", None)
        style = _PARAMSTYLES.get(stated) or _KNOWN.get(name)
        if style is not None:
            return style
    raise UsageError(
        f"the parameter style of {type(connection).__qualname__} is not known; pass style= as one of"
        f" {', '.join(STYLES)}"
    )
