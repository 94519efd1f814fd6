"""LangGraph's AsyncSqliteSaver: the history lives in a channel of the checkpoint."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, cast

from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from benchmarks.subjects import LANGGRAPH
from benchmarks.subjects.base import Call, Op
from benchmarks.workload import LAST, Message, history, pair, thread_id

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


def _config(thread: int) -> "RunnableConfig":
    return {"configurable": {"thread_id": thread_id(thread), "checkpoint_ns": ""}}


class LanggraphSaver:
    """A turn as a graph makes it: load the checkpoint, add to the channel, put a new checkpoint.

    An append builds on the filled history and not on earlier appends, so the size under test stays.
    """

    name = LANGGRAPH
    durability = "WAL, FULL"
    note = (
        "append = aget_tuple + aput of the whole history; messages are dicts, cheaper than objects"
    )
    asynchronous = True

    async def setup(self, folder: Path) -> None:
        self._numbers = count()
        self._sizes: dict[int, int] = {}
        self._stack = AsyncExitStack()
        opened = AsyncSqliteSaver.from_conn_string(str(folder / "langgraph.db"))
        self._saver = await self._stack.enter_async_context(opened)
        await self._saver.setup()

    async def close(self) -> None:
        await self._stack.aclose()

    async def fill(self, threads: Sequence[int], fields: int, messages: int) -> None:
        for number in threads:
            self._sizes[number] = messages
            await self._put(_config(number), history(messages), None)

    async def _put(
        self, config: "RunnableConfig", messages: list[Message], version: str | None
    ) -> object:
        new = {"messages": self._saver.get_next_version(version, None)}
        checkpoint = empty_checkpoint()
        checkpoint["channel_values"] = {"messages": messages}
        checkpoint["channel_versions"] = dict(new)
        return await self._saver.aput(config, checkpoint, {"source": "loop", "step": 1}, dict(new))

    async def _load(self, thread: int) -> "tuple[RunnableConfig, list[Message], str]":
        found = await self._saver.aget_tuple(_config(thread))
        assert found is not None, "a filled thread has a checkpoint"
        version = found.checkpoint["channel_versions"]["messages"]
        messages = found.checkpoint["channel_values"]["messages"]
        return found.config, cast("list[Message]", messages), str(version)

    @property
    def calls(self) -> Mapping[Op, Call]:
        return {"append": self._append, "last": self._last}

    async def _append(self, thread: int) -> object:
        config, messages, version = await self._load(thread)
        kept = messages[: self._sizes[thread]]
        return await self._put(config, [*kept, *pair(next(self._numbers))], version)

    async def _last(self, thread: int) -> object:
        _, messages, _ = await self._load(thread)
        return messages[-LAST:]
