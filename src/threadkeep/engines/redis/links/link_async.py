"""One connection to a server for the tasks of one event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

import hiredis

from threadkeep.engines.redis.links.errors import Late, Lost, ServerError
from threadkeep.engines.redis.links.greeting import check_greeting, keep_alive
from threadkeep.engines.redis.links.script import pack_all
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import Unavailable

Sink = Callable[[Any], None]  # is given each message, and Lost at the end
_NOTHING: Final = object()


class _Waiter:
    __slots__ = ("answers", "count", "future", "mark", "until")

    def __init__(
        self, future: asyncio.Future[list[Any]], count: int, until: float, mark: int
    ) -> None:
        self.future, self.count, self.until, self.mark = future, count, until, mark
        self.answers: list[Any] = []


class AsyncLink(asyncio.Protocol):
    """A connection that many tasks use at once: what they ask in one turn of the loop is one write.

    Answers come in the order of asking. A caller that is cancelled or late harms no other: its answer is
    dropped when it comes.
    """

    def __init__(self, address: Address, sink: Sink | None = None) -> None:
        self.address = address
        self.retired = False  # it was silent for too long: no new calls
        self.lost: str | None = None
        self._sink = sink
        self._greeted = False
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(replyError=ServerError.parse, notEnoughData=_NOTHING)
        self._waiters: deque[_Waiter] = deque()
        self._unsent: list[bytes] = []
        self._turning = False  # something was written in this turn of the loop
        self._reads = 0
        self._timer: asyncio.TimerHandle | None = None
        self._alarm = 0.0

    @classmethod
    async def open(
        cls, settings: Settings, address: Address, seconds: float, sink: Sink | None = None
    ) -> AsyncLink:
        """Connect and log in. Raises Unavailable, Forbidden or UsageError."""
        link = cls(address, sink)
        said = settings.greeting()
        try:
            async with asyncio.timeout(seconds):
                await link._connect(settings)
                until = time.monotonic() + seconds
                answers = await link.ask(pack_all(said), len(said), until)
            check_greeting(address, said, answers)
        except (TimeoutError, Late):
            await link.aclose()
            raise Unavailable(
                f"{address} did not take the connection within {seconds:g} s"
            ) from None
        except (OSError, Lost) as error:
            await link.aclose()
            raise Unavailable(f"cannot connect to {address}: {error}") from None
        except BaseException:
            await link.aclose()
            raise
        link._greeted = True
        return link

    async def _connect(self, settings: Settings) -> None:
        context = settings.tls.context() if settings.tls else None
        if self.address.port:
            host, port = self.address
            await self._loop.create_connection(lambda: self, host, port, ssl=context)
        else:
            await self._loop.create_unix_connection(lambda: self, self.address.host)

    @property
    def usable(self) -> bool:
        """Tell whether new calls may use it."""
        return self.lost is None and not self.retired

    def ask(self, payload: bytes, count: int, until: float) -> asyncio.Future[list[Any]]:
        """Send commands; the future has their answers in order, or raises Lost or Late."""
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        if self.lost is not None:
            future.set_exception(Lost(self.lost, sent=False))
            return future
        self._waiters.append(_Waiter(future, count, until, self._reads))
        if self._timer is None or until < self._alarm:
            self._set_alarm(until)
        self.post(payload)
        return future

    def retire(self) -> None:
        """Take no new calls, and close once those on their way are done."""
        self.retired = True
        self._leave()

    def post(self, payload: bytes) -> None:
        """Send commands that nobody waits for."""
        if self._turning:
            self._unsent.append(payload)
        elif self._transport is not None and self.lost is None:
            self._turning = True
            self._loop.call_soon(self._flush)
            self._transport.write(payload)

    def _flush(self) -> None:
        self._turning = False
        if self._unsent and self._transport is not None and self.lost is None:
            payload = b"".join(self._unsent)
            self._unsent.clear()
            self._transport.write(payload)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        if (connection := transport.get_extra_info("socket")) is not None:
            keep_alive(connection)

    def data_received(self, data: bytes) -> None:
        """Hand answers to those who wait for them."""
        self._reads += 1
        waiters, gets = self._waiters, self._reader.gets
        try:
            self._reader.feed(data)
            while (answer := gets()) is not _NOTHING:
                if not waiters:
                    self._unasked(answer)
                    continue
                waiter = waiters[0]
                waiter.answers.append(answer)
                if len(waiter.answers) == waiter.count:
                    waiters.popleft()
                    if not waiter.future.done():
                        waiter.future.set_result(waiter.answers)
        except hiredis.ProtocolError as error:
            self._end(f"{self.address} does not speak the Redis protocol: {error}")
        if self.retired:
            self._leave()

    def _unasked(self, answer: Any) -> None:
        if self._sink is not None and self._greeted:
            self._sink(answer)
        elif isinstance(answer, ServerError):  # why it closes the connection next
            self._end(str(answer))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is unanswered, and nothing else."""
        self._end(f"the connection to {self.address} ended" + (f": {exc}" if exc else ""))
        if not self._ended.done():
            self._ended.set_result(None)

    def _end(self, why: str) -> None:
        if self.lost is not None:
            return
        self.lost = why
        if self._timer is not None:
            self._timer.cancel()
        sent = len(self._waiters) - len(self._unsent)
        for number, waiter in enumerate(self._waiters):
            if not waiter.future.done():
                waiter.future.set_exception(Lost(why, sent=number < sent))
        self._waiters.clear()
        if self._transport is not None:
            self._transport.abort()
        if self._sink is not None and self._greeted:
            self._sink(Lost(why, sent=True))

    def _set_alarm(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._alarm = until
        self._timer = self._loop.call_later(max(0.0, until - time.monotonic()), self._expire)

    def _expire(self) -> None:
        """Tell those who have waited long enough; when nothing at all came meanwhile, take no new calls."""
        now, self._timer = time.monotonic(), None
        later: list[float] = []
        for waiter in self._waiters:
            if waiter.future.done():
                continue
            if waiter.until > now:
                later.append(waiter.until)
                continue
            waiter.future.set_exception(Late())
            self.retired |= waiter.mark == self._reads
        if later:
            self._set_alarm(min(later))
        elif self.retired:
            self._leave()

    def _leave(self) -> None:
        """Close a retired connection once nobody waits for anything from it."""
        if all(waiter.future.done() for waiter in self._waiters):
            self._end(f"the connection to {self.address} was given up")

    async def aclose(self) -> None:
        """Close it; what is unanswered is lost."""
        self._end("the connection was closed")
        if self._transport is not None:
            await self._ended
