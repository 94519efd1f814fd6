"""Document drivers as a program would write them, over one dict of JSON texts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from threadkeep.engines.document import Document

Rows = dict[str, tuple[str, int]]


class Plain:
    """What the interface asks for and no more, without await."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def get(self, id: str) -> dict[str, Any] | None:
        found = self.rows.get(id)
        return None if found is None else {"id": id, "data": found[0]}

    def set(self, row: Document) -> None:
        self.rows[row.id] = (json.dumps(row.data), row.version)

    def delete(self, id: str) -> None:
        self.rows.pop(id, None)

    def list(self) -> list[str]:
        return [*self.rows]


class AsyncComparing:
    """With await, with `compare_and_set` and the rest of what is optional. Each call lets others in between."""

    at_once = 1000

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.expiring: dict[str, int] = {}

    async def get(self, id: str) -> tuple[str, str] | None:
        await asyncio.sleep(0)
        found = self.rows.get(id)
        return None if found is None else (id, found[0])

    async def get_many(self, ids: list[str]) -> dict[str, tuple[str, str]]:
        await asyncio.sleep(0)
        return {each: (each, self.rows[each][0]) for each in ids if each in self.rows}

    async def set(self, row: Document) -> None:
        raise NotImplementedError("compare_and_set is there")

    async def compare_and_set(self, row: Document, version: int) -> bool:
        await asyncio.sleep(0)
        if self.rows.get(row.id, ("", 0))[1] != version:
            return False
        self.rows[row.id] = (json.dumps(row["data"]), row["version"])
        self.expiring.pop(row.id, None)
        return True

    async def delete(self, id: str) -> None:
        raise NotImplementedError("compare_and_delete is there")

    async def compare_and_delete(self, id: str, version: int) -> bool:
        await asyncio.sleep(0)
        if self.rows.get(id, ("", 0))[1] != version:
            return False
        del self.rows[id]
        return True

    async def expire(self, id: str, seconds: int) -> None:
        self.expiring[id] = seconds

    async def list(self):
        for each in [*self.rows]:
            yield each
