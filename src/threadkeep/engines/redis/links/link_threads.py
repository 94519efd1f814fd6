"""One connection to a server for the threads of a process."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import hiredis

from threadkeep.engines.redis.links.errors import Late, Lost, ServerError
from threadkeep.engines.redis.links.greeting import check_greeting
from threadkeep.engines.redis.links.pipe import Pipe
from threadkeep.engines.redis.links.script import pack_all
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import Unavailable

Sink = Callable[[Any], None]  # is given each message, and Lost at the end
_NOTHING: Final = object()


class _Waiter:
    __slots__ = ("answers", "count", "done", "error", "mark", "reads", "turn", "until")

    def __init__(self, count: int, until: float, mark: int) -> None:
        self.count, self.until, self.mark = count, until, mark
        self.answers: list[Any] = []
        self.done = False  # answered, failed or gone
        self.error: Exception | None = None
        self.reads = False  # it is this thread's turn to read for all
        self.turn = threading.Lock()
        self.turn.acquire()


class Link:
    """A connection that many threads use at once.

    One of those who wait sends for all, and one reads for all; the others sleep. Answers come in the order
    of asking. A caller that is late harms no other: its answer is dropped when it comes.
    """

    def __init__(self, address: Address, pipe: Pipe) -> None:
        self.address = address
        self.retired = False  # it was silent for too long: no new calls
        self.lost: str | None = None
        self._pipe = pipe
        self._sink: Sink | None = None
        self._reader = hiredis.Reader(replyError=ServerError.parse, notEnoughData=_NOTHING)
        self._mutex = threading.Lock()
        self._waiters: deque[_Waiter] = deque()
        self._unsent: list[bytes] = []
        self._sending = False
        self._reading = False
        self._closed = False
        self._reads = 0

    @classmethod
    def open(
        cls, settings: Settings, address: Address, seconds: float, sink: Sink | None = None
    ) -> Link:
        """Connect and log in. Raises Unavailable, Forbidden or UsageError."""
        said = settings.greeting()
        until = time.monotonic() + seconds
        link = None
        try:
            link = cls(address, Pipe(settings, address, until))
            check_greeting(address, said, link.ask(pack_all(said), len(said), until))
        except (TimeoutError, Late):
            _drop(link)
            raise Unavailable(
                f"{address} did not take the connection within {seconds:g} s"
            ) from None
        except (OSError, Lost) as error:
            _drop(link)
            raise Unavailable(f"cannot connect to {address}: {error}") from None
        except BaseException:
            _drop(link)
            raise
        if sink is not None:
            link._hear(sink)
        return link

    @property
    def usable(self) -> bool:
        """Tell whether new calls may use it."""
        return self.lost is None and not self.retired

    def ask(self, payload: bytes, count: int, until: float) -> list[Any]:
        """Send commands and return their answers in order. Raises Lost or Late."""
        waiter = _Waiter(count, until, self._reads)
        with self._mutex:
            if self.lost is not None:
                raise Lost(self.lost, sent=False)
            self._waiters.append(waiter)
            self._unsent.append(payload)
            sends, self._sending = not self._sending, True
            waiter.reads, self._reading = not self._reading, True
        try:
            if sends and waiter.reads:  # nobody has looked since the last call: is it still there?
                self._read(waiter, once=True)
            if sends:
                self._send(until)
                sends = False
            if not waiter.reads:
                self._wait(waiter)
            if waiter.reads:
                self._read(waiter)
        except BaseException:
            waiter.done = True
            if sends or waiter.reads:  # what was half sent or read cannot be told
                self._end("a call was interrupted")
            raise
        finally:
            self._step_back(waiter)
        if waiter.error is not None:
            raise waiter.error
        return waiter.answers

    def retire(self) -> None:
        """Take no new calls, and close once those on their way are done."""
        with self._mutex:
            self.retired = True
            if all(one.done for one in self._waiters):
                self._fail(f"the connection to {self.address} was given up")
            self._release()

    def post(self, payload: bytes) -> None:
        """Send commands that nobody waits for."""
        with self._mutex:
            self._unsent.append(payload)
            sends, self._sending = not self._sending, True
        if sends:
            self._send(math.inf)

    def _send(self, until: float) -> None:
        """Send what has gathered, until there is no more."""
        try:
            while True:
                with self._mutex:
                    if not self._unsent or self.lost is not None:
                        return
                    payload = b"".join(self._unsent)
                    self._unsent.clear()
                if not self._pipe.write(payload, until):
                    self._end(f"{self.address} does not take what is sent")
        except OSError as error:
            self._end(f"the connection to {self.address} ended: {error}")
        finally:
            with self._mutex:
                self._sending = False
                self._release()

    def _wait(self, waiter: _Waiter) -> None:
        """Sleep until answered, or until it is this thread's turn to read."""
        waiter.turn.acquire(
            timeout=min(max(0.0, waiter.until - time.monotonic()), threading.TIMEOUT_MAX)
        )
        with self._mutex:
            if not waiter.done and not waiter.reads:
                self._give_up(waiter)

    def _give_up(self, waiter: _Waiter) -> None:
        waiter.done, waiter.error = True, Late()
        self.retired |= waiter.mark == self._reads

    def _read(self, waiter: _Waiter, *, once: bool = False) -> None:
        """Read for all until this thread has its own answers; with `once` only what is there already."""
        try:
            while not waiter.done and self.lost is None:
                data = self._pipe.read(0.0 if once else waiter.until)
                if data is None and once:
                    return
                if data is None:
                    with self._mutex:
                        if not waiter.done:
                            self._give_up(waiter)
                elif not self._take(data):
                    self._end(f"the connection to {self.address} ended")
        except OSError as error:
            self._end(f"the connection to {self.address} ended: {error}")
        except hiredis.ProtocolError as error:
            self._end(f"{self.address} does not speak the Redis protocol: {error}")

    def _take(self, data: bytes) -> bool:
        """Hand answers to those who wait for them; False when there is nothing to read any more."""
        gets = self._reader.gets
        unasked: list[Any] = []
        with self._mutex:
            self._reads += 1
            self._reader.feed(data)
            while (answer := gets()) is not _NOTHING:
                if not self._waiters:
                    unasked.append(answer)
                    continue
                waiter = self._waiters[0]
                waiter.answers.append(answer)
                if len(waiter.answers) == waiter.count:
                    self._waiters.popleft()
                    if not waiter.done:
                        waiter.done = True
                        if not waiter.reads:
                            waiter.turn.release()
        for answer in unasked:
            if self._sink is not None:
                self._sink(answer)
            elif isinstance(answer, ServerError):  # why it closes the connection next
                self._end(str(answer))
        return bool(data)

    def _step_back(self, waiter: _Waiter) -> None:
        """Let another thread read, and close the connection if nobody needs it."""
        with self._mutex:
            if waiter.reads:
                waiter.reads = self._reading = False
                if self.lost is None:
                    successor = next((one for one in self._waiters if not one.done), None)
                    if successor is not None:
                        successor.reads = self._reading = True
                        successor.turn.release()
            if self.retired and all(one.done for one in self._waiters):
                self._fail(f"the connection to {self.address} was given up")
            self._release()

    def _end(self, why: str) -> None:
        with self._mutex:
            self._fail(why)
            self._release()

    def _fail(self, why: str) -> None:
        """Fail what is unanswered, and nothing else."""
        if self.lost is not None:
            return
        self.lost = why
        sent = len(self._waiters) - len(self._unsent)
        for number, waiter in enumerate(self._waiters):
            if not waiter.done:
                waiter.done, waiter.error = True, Lost(why, sent=number < sent)
                if not waiter.reads:
                    waiter.turn.release()
        self._waiters.clear()
        self._pipe.shut()

    def _release(self) -> None:
        """Close the socket of a lost connection when no thread is in it any more."""
        if self.lost is not None and not (self._sending or self._reading or self._closed):
            self._closed = True
            self._pipe.close()

    def _hear(self, sink: Sink) -> None:
        """From now on give what comes to `sink`, in a thread of its own."""
        self._sink, self._reading = sink, True
        threading.Thread(target=self._pass_on, name="threadkeep-watch", daemon=True).start()

    def _pass_on(self) -> None:
        everlasting = _Waiter(1, math.inf, 0)
        while self.lost is None:
            self._read(everlasting)
        with self._mutex:
            self._reading = False
            self._release()
        if self._sink is not None:
            self._sink(Lost(self.lost or "", sent=True))

    def close(self) -> None:
        """Close it; what is unanswered is lost."""
        self._end("the connection was closed")


def _drop(link: Link | None) -> None:
    if link is not None:
        link.close()
