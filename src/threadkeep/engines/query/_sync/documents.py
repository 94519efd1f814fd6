# Generated from src/threadkeep/engines/query/_async/documents.py by scripts/unasync. Do not edit.
"""A document driver over a query driver: documents in a table of any SQL database."""

from __future__ import annotations

import json
from typing import Any

from threadkeep.engines.document import Document
from threadkeep.engines.document.calls import Calls
from threadkeep.engines.document.documents import column
from threadkeep.engines.query.statements import TABLE, Statements, key_of, styled
from threadkeep.errors import CodecError, SchemaMismatch, Unavailable

NEEDED = ("query", "run", "exec")


class QueryDocuments:
    """Keep documents in a table, through a driver with `query`, `run` and `exec`. Atomic between processes.

    The table is made when it is not there. The driver stays its owner's: it is not closed.

    Args:
        driver: `query(sql, params)` returns rows; `run(sql, params)` writes, and returns how many rows it
            concerned if it can; `exec(sql)` runs a statement without parameters. Each call is a transaction
            of its own. `style` says how parameters are written: `?` (when absent), `%s` or `$1`.
        table: its name: letters, digits and `_`, after a schema and a dot if need be.
    """

    at_once = 1000  # the query driver says how many it takes

    def __init__(self, driver: object, table: str = TABLE) -> None:
        self._calls = Calls(driver, "query driver", NEEDED)
        self._sql = Statements(table)
        self._style = getattr(driver, "style", "?")
        styled("", self._style)

    @property
    def durability(self) -> str:
        """Say what survives, as far as the driver knows."""
        return getattr(self._calls.driver, "durability", "none")

    def _query(self, sql: str, *params: object) -> list[Any]:
        return [*self._calls.call("query", styled(sql, self._style), list(params))]

    def _run(self, sql: str, *params: object) -> int | None:
        """Run a statement and return how many rows it concerned, None where the driver does not say."""
        sql = styled(sql, self._style)
        count = self._calls.call("run", sql, list(params), wrote=True)
        return count if type(count) is int and count >= 0 else None

    def setup(self) -> None:
        """Make the table when it is not there. Raises SchemaMismatch where a table of that name has other columns."""
        lacking = self._lacking()
        for statement in self._sql.create if lacking else ():
            failed: Unavailable | None = None
            try:
                self._calls.call("exec", statement)
            except Unavailable as error:
                failed = error
            lacking = self._lacking()  # somebody else may have made it
            if lacking and not failed:
                raise SchemaMismatch(f"the table {self._sql.table} is there and has other columns")
            lacking = lacking and failed
            if not lacking:
                return
        if lacking:
            raise lacking

    def _lacking(self) -> Unavailable | None:
        """Return what speaks against there being a table."""
        try:
            self._query(self._sql.get, "")
        except Unavailable as error:
            return error
        return None

    def get(self, id: str) -> Any:
        """Return a document; None where none stands."""
        rows = self._query(self._sql.get, key_of(id))
        return (id, column(rows[0], "data", 1)) if rows else None

    def get_many(self, ids: list[str]) -> dict[str, Any]:
        """Return those that stand, by id."""
        if not ids:
            return {}
        rows = self._query(self._sql.get_many(len(ids)), *map(key_of, ids))
        return {str(column(row, "name", 0)): (None, column(row, "data", 1)) for row in rows}

    def list(self) -> list[str]:
        """Return the ids of all documents."""
        return [str(column(row, "name", 0)) for row in self._query(self._sql.list)]

    def set(self, row: Document) -> None:
        """Store a document whatever stands there."""
        key, text = key_of(row.id), json.dumps(row.data)
        if self._version(key) or not self._insert(row, key, text):
            self._run(self._sql.replace, row.version, text, key)

    def compare_and_set(self, row: Document, version: int) -> bool:
        """Store a document if the one that stands has this version (0: none stands)."""
        key, text = key_of(row.id), json.dumps(row.data)
        if version == 0:
            return self._insert(row, key, text)
        count = self._run(self._sql.update, row.version, text, key, version)
        return self._version(key) == row.version if count is None else count > 0

    def _insert(self, row: Document, key: str, text: str) -> bool:
        try:
            self._run(self._sql.insert, key, row.version, row.id, text)
        except Unavailable:
            found = self._version(key)
            if not found:
                raise
            return found == row.version
        return True

    def delete(self, id: str) -> None:
        """Remove a document."""
        self._run(self._sql.delete, key_of(id))

    def compare_and_delete(self, id: str, version: int) -> bool:
        """Remove a document if it has this version."""
        key = key_of(id)
        count = self._run(self._sql.remove, key, version)
        return not self._version(key) if count is None else count > 0

    def _version(self, key: str) -> int:
        rows = self._query(self._sql.look, key)
        found = column(rows[0], "version", 0) if rows else 0
        try:
            return int(found)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]
        except (TypeError, ValueError):
            raise CodecError("the query driver returned a row without a version") from None
