"""The way to a server: for tasks, and the same for threads."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from typing import Any, Final, cast

import httpx

from threadkeep.concurrency import AsyncPump, LoopThread, OverdueError
from threadkeep.engines.http.answers import LONGEST
from threadkeep.engines.http.calls import BusyError, Fate, LostError, persist
from threadkeep.engines.http.sender import Sender, refusal, refusal_of
from threadkeep.engines.http.url import HttpSettings
from threadkeep.errors import Timeout, Unavailable, UsageError
from threadkeep.ops import wire
from threadkeep.ops.reply import Reply

MOST, HEAVIEST = 64, 1 << 20  # batches and bytes of one request
_AS_A_WHOLE: Final = {400, 413}  # refused before any of its batches was looked at
LATE: Final = 0.25  # seconds that the loop of threads may be late with a deadline
SILENCE: Final = 45.0  # seconds: a server that sends events says something every 15


class Job:
    """A batch on its way: the message, what it may weigh with its answer, its deadline and its fate."""

    __slots__ = ("deadline", "fate", "message", "weight")

    def __init__(self, message: bytes, weight: int, deadline: float, fate: Fate) -> None:
        self.message, self.weight = message, weight
        self.deadline, self.fate = deadline, fate


class AsyncLink:
    """Calls one server from the tasks of one event loop.

    Batches that are asked for while all lines are busy go together in one request; each has an answer of its own,
    and its caller's deadline.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._sender = Sender(settings)
        self._pump = AsyncPump(
            self._group,
            lambda job: job.weight,
            width=settings.lines,
            most=MOST,
            heaviest=HEAVIEST,
        )

    async def batch(self, message: bytes, weight: int, *, again: bool, writes: bool) -> Reply:
        """Return the reply to a batch in the wire form."""

        async def attempt(deadline: float, fate: Fate) -> Reply:
            job = Job(message, weight, deadline, fate)
            if weight < HEAVIEST:
                return await self._pump.call(job)
            (outcome,) = await self._group([job])
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return await self._persist(attempt, Fate(again=again, writes=writes))

    async def ask(
        self, method: str, path: str, content: bytes | None, *, again: bool, writes: bool = False
    ) -> bytes:
        """Return the body of the answer to a request of its own."""

        async def attempt(deadline: float, fate: Fate) -> bytes:
            answer = await self._sender.send(method, path, content, deadline, [fate])
            if answer.status_code != 200:
                raise refusal_of(answer)
            return answer.content

        return await self._persist(attempt, Fate(again=again, writes=writes))

    async def _persist(self, attempt: Any, fate: Fate) -> Any:
        return await persist(attempt, fate, self._settings.base, self._settings.timeout)

    async def _group(self, jobs: list[Job]) -> list[Any]:
        """Send batches in one request; an outcome for each, which is a reply or an exception."""
        content = b"".join([job.message for job in jobs])
        deadline, fates = max(job.deadline for job in jobs), [job.fate for job in jobs]
        try:
            answer = await self._sender.send("POST", "/batch", content, deadline, fates)
        except LostError as error:
            return [LostError(str(error)) for _ in jobs]
        if answer.status_code == 200:
            return outcomes(answer.content, len(jobs))
        if answer.status_code in _AS_A_WHOLE and len(jobs) > 1:
            alone = await asyncio.gather(*[self._group([job]) for job in jobs])
            return [outcome for (outcome,) in alone]
        return [refusal_of(answer) for _ in jobs]

    async def revisions(self, path: str, query: dict[str, str]) -> AsyncIterator[int]:
        """Yield the revisions that events tell of; a lost stream goes on where it broke off.

        Raises what the server refuses with, and Unavailable when it cannot be reached for the time of a call.
        """
        clock, last, lost = asyncio.get_running_loop().time, "", None
        while True:
            pause, error = 0.0, None
            try:
                async with self._sender.stream(path, query, last, SILENCE) as answer:
                    if answer.status_code != 200:
                        await answer.aread()
                        raise refusal_of(answer)
                    async for line in answer.aiter_lines():
                        lost = None
                        if line.startswith("id: "):
                            last = line[4:]
                        elif line.startswith("data: ") and line[6:].isdecimal():
                            yield int(line[6:])  # else the server says good-bye
            except BusyError as busy:
                pause, error = busy.pause, busy.error
            except (httpx.HTTPError, LostError) as failed:
                text = f"no events from {self._settings.base}: {type(failed).__name__} {failed}"
                error = Unavailable(text.strip())
            lost = lost or clock()
            if error is not None and clock() - lost > self._settings.timeout:
                raise error
            await asyncio.sleep(pause + random.uniform(0.05, 0.5))  # noqa: S311 - spreads who comes back

    async def aclose(self) -> None:
        """Finish what was begun and close the connections; twice is fine."""
        await self._pump.stop()
        await self._sender.aclose()


class Link:
    """The twin for threads: they share one event loop, so their calls go together too."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._inner = AsyncLink(settings)
        self._loop = LoopThread()

    def batch(self, message: bytes, weight: int, *, again: bool, writes: bool) -> Reply:
        """Return the reply to a batch in the wire form."""
        return self._within(self._inner.batch(message, weight, again=again, writes=writes), writes)

    def ask(
        self, method: str, path: str, content: bytes | None, *, again: bool, writes: bool = False
    ) -> bytes:
        """Return the body of the answer to a request of its own."""
        return self._within(
            self._inner.ask(method, path, content, again=again, writes=writes), writes
        )

    def _within(self, work: Coroutine[Any, Any, Any], writes: bool) -> Any:
        """Return the result of a call; its deadline holds also where the loop comes too late to it."""
        seconds = self._settings.timeout
        try:
            return self._loop.run(work, seconds + LATE)
        except OverdueError:
            late = f"{self._settings.base} did not answer within {seconds:g} seconds"
            raise Timeout(late, maybe_applied=writes) from None

    def revisions(self, path: str, query: dict[str, str]) -> Iterator[int]:
        """Yield the revisions that events tell of; a lost stream goes on where it broke off."""
        found = cast("AsyncGenerator[int]", self._inner.revisions(path, query))
        try:
            while (revision := self._loop.run(_next(found))) is not None:
                yield revision
        finally:
            self._loop.run(found.aclose())

    def close(self) -> None:
        """Finish what was begun and close the connections; twice is fine."""
        self._loop.run(self._inner.aclose())
        self._loop.stop()


async def _next(found: AsyncGenerator[int]) -> int | None:
    return await anext(found, None)


def outcomes(content: bytes, count: int) -> list[Any]:
    """Return the outcome of each batch of a request: its reply, or the exception to raise."""
    try:
        answers = wire.split(content, most=count)
        if len(answers) != count:
            raise UsageError(f"{len(answers)} answers to {count} batches")  # noqa: TRY301 - told below
        found = [wire.decode_answer(answer, limit=LONGEST) for answer in answers]
    except UsageError as error:
        return [LostError(f"the answer cannot be read: {error}") for _ in range(count)]
    return [
        refusal(one.status, one.body, one.retry_after) if isinstance(one, wire.Failure) else one
        for one in found
    ]
