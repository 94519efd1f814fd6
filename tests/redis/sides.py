"""The two sides of the connections, tasks and threads, behind one face: tests are written once."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from threadkeep.engines.redis.links import AsyncNodes, Command, Nodes

T = TypeVar("T")


class Side(Protocol):
    """What tests call, from any thread."""

    def open(self) -> None: ...
    def call(self, slot: int, commands: Sequence[Command], *, again: bool) -> list[Any]: ...
    def everywhere(self, command: Command) -> list[Any]: ...
    def listen(self, slot: int, channel: bytes) -> Iterator[None]: ...
    def close(self) -> None: ...


class Tasks:
    """Async nodes in a loop of their own; each call is a task of it."""

    def __init__(self, nodes: AsyncNodes) -> None:
        self.nodes = nodes
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def open(self) -> None:
        self._run(self.nodes.open())

    def call(self, slot: int, commands: Sequence[Command], *, again: bool) -> list[Any]:
        return self._run(self.nodes.call(slot, commands, again=again))

    def everywhere(self, command: Command) -> list[Any]:
        return self._run(self.nodes.everywhere(command))

    def listen(self, slot: int, channel: bytes) -> Iterator[None]:
        heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

        async def pass_on() -> None:
            try:
                async for _ in self.nodes.listen(slot, channel):
                    heard.put(True)
            except Exception as error:  # noqa: BLE001 - handed on
                heard.put(error)
            heard.put(None)

        asyncio.run_coroutine_threadsafe(pass_on(), self._loop)
        while (said := heard.get()) is not None:
            if isinstance(said, Exception):
                raise said
            yield

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._run(self.nodes.aclose())
        self._run(self._rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _rest(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


Connect = Callable[..., Side]


def connected(kind: str, url: str) -> Side:
    """Return opened nodes of one kind, "tasks" or "threads"."""
    if kind == "threads":
        side: Side = Nodes.from_url(url)
    else:
        side = Tasks(AsyncNodes.from_url(url))
    try:
        side.open()
    except BaseException:
        side.close()
        raise
    return side


def at_once(count: int, work: Callable[[int], T]) -> list[T | Exception]:
    """Return what `work(number)` returned or raised, each in a thread, all let go at the same moment."""
    found: list[Any] = [None] * count
    gate = threading.Barrier(count)

    def one(number: int) -> None:
        gate.wait(20)
        try:
            found[number] = work(number)
        except Exception as error:  # noqa: BLE001 - it is the result
            found[number] = error

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a caller hangs"
    return found
