"""The SQLiteSession of the OpenAI Agents SDK: message history only."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, cast

from agents import SQLiteSession

from benchmarks.subjects import OPENAI
from benchmarks.subjects.base import Call, Op
from benchmarks.workload import LAST, Message, history, pair, thread_id

if TYPE_CHECKING:
    from agents import TResponseInputItem


def _items(messages: Sequence[Message]) -> "list[TResponseInputItem]":
    return cast("list[TResponseInputItem]", list(messages))


class OpenAISession:
    """One session object for each conversation, all on one file."""

    name = OPENAI
    durability = "WAL, FULL"
    note = "its defaults (it sets WAL; FULL is SQLite's own default)"
    asynchronous = True

    async def setup(self, folder: Path) -> None:
        self._numbers = count()
        self._path = folder / "openai.db"
        self._sessions: dict[int, SQLiteSession] = {}
        SQLiteSession(thread_id(0), self._path).close()

    async def close(self) -> None:
        for session in self._sessions.values():
            session.close()

    async def fill(self, threads: Sequence[int], fields: int, messages: int) -> None:
        for number in threads:
            session = SQLiteSession(thread_id(number), self._path)
            await session.add_items(_items(history(messages)))
            session.close()

    def _session(self, thread: int) -> SQLiteSession:
        session = self._sessions.get(thread)
        if session is None:
            session = self._sessions[thread] = SQLiteSession(thread_id(thread), self._path)
        return session

    @property
    def calls(self) -> Mapping[Op, Call]:
        return {"append": self._append, "last": self._last}

    async def _append(self, thread: int) -> object:
        return await self._session(thread).add_items(_items(pair(next(self._numbers))))

    async def _last(self, thread: int) -> object:
        return await self._session(thread).get_items(limit=LAST)
