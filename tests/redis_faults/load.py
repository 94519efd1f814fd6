"""Callers that write to a store, each call noted, while a test breaks the servers."""

from __future__ import annotations

import asyncio
import enum
import inspect
import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any, Literal, Self

from tests.redis_faults.calls import Call, Kind, Ledger, Told, told_by
from threadkeep import AsyncStore, Store
from threadkeep.errors import ThreadkeepError, Unavailable
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Incr

SHARED = "shared"  # the thread of all callers
CALLERS = 6
LARGE = 70_000  # characters
PATIENCE = 60.0  # seconds that a load may take to get anywhere

Side = Literal["async", "sync"]
Step = Callable[[], Any]


class Slip(enum.Enum):
    """A wrong client, for the controls: `verify` must find out each of them."""

    NONE = "none"
    EARLY = "early"  # acknowledges before the server has answered
    BLIND = "blind"  # sends a call again that may have been done
    SWALLOW = "swallow"  # says that nothing was written when it may have been


class Load:
    """Callers of one store, tasks or threads, from entering the block to leaving it."""

    def __init__(
        self,
        url: str,
        random: Random,
        *,
        side: Side = "async",
        slip: Slip = Slip.NONE,
        callers: int = CALLERS,
        **options: Any,
    ) -> None:
        self.ledger = Ledger()
        self._url, self._side, self._slip, self._options = url, side, slip, options
        self._seeds = {f"w{n}": random.getrandbits(32) for n in range(callers)}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def __enter__(self) -> Self:
        if self._side == "async":
            works: list[Callable[[], None]] = [lambda: asyncio.run(self._tasks())]
        else:
            store = Store(self._url, **self._options)
            works = [lambda who=who: asyncio.run(self._call_on(store, who)) for who in self._seeds]
            works.append(lambda: self._close(store))
        self._threads = [threading.Thread(target=self._guarded, args=(work,)) for work in works]
        for thread in self._threads:
            thread.start()
        return self

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised where the load ends
            self._failures.append(error)

    async def _tasks(self) -> None:
        async with AsyncStore(self._url, **self._options) as store:
            await asyncio.gather(*(self._call_on(store, who) for who in self._seeds))

    def _close(self, store: Store) -> None:
        for thread in self._threads[:-1]:
            thread.join()
        store.close()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Ledger:
        """End the load and return what was noted."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a caller hangs"
        if self._failures:
            raise self._failures[0]
        return self.ledger

    def more(self, count: int) -> None:
        """Wait until so many more calls have been acknowledged: below that a fault does not count."""
        wanted, end = self.ledger.done + count, time.monotonic() + PATIENCE
        while self.ledger.done < wanted:
            if self._failures:
                raise self._failures[0]
            found = f"{self.ledger.done} of {wanted} calls, {self.ledger.errors}"
            assert time.monotonic() < end, f"the load does not go on: {found}"
            time.sleep(0.005)

    async def _call_on(self, store: Any, who: str) -> None:
        """Call until the end, whatever the answers."""
        caller = _Caller(store, who, self._slip, self.ledger, self._stop)
        draw = Random(self._seeds[who])
        for number in itertools.count(1):
            if self._stop.is_set():
                return
            before = self.ledger.done
            await caller.call(draw.choice(list(Kind)), number)
            if self.ledger.done == before:
                await asyncio.sleep(0.002)


class _Caller:
    """One caller: it goes on after each error, as its application would."""

    def __init__(
        self, store: Any, who: str, slip: Slip, ledger: Ledger, stop: threading.Event
    ) -> None:
        self._store, self._who, self._slip = store, who, slip
        self._ledger, self._stop = ledger, stop
        self._own, self._shared = store.thread(who), store.thread(SHARED)

    async def call(self, kind: Kind, number: int) -> None:
        step = await self._prepared(kind, number)
        if step is None:
            return
        call = self._ledger.begin(kind, self._who, number)
        if self._slip is Slip.EARLY:
            self._ledger.end(call, Told.DONE)
            with suppress(ThreadkeepError):
                await _result(step)
            return
        insists = kind in {Kind.NAMED, Kind.ONCE}
        while True:
            try:
                await _result(step)
            except Exception as error:  # noqa: BLE001 - its type is what the test is about
                again = insists and isinstance(error, Unavailable) and not self._stop.is_set()
                if again or self._blind(error):
                    self._ledger.errors[type(error).__name__] += 1
                    await asyncio.sleep(0.002)
                    continue
                self._fail(call, error, insists=insists)
            else:
                self._ledger.end(call, Told.DONE)
            return

    def _blind(self, error: Exception) -> bool:
        return self._slip is Slip.BLIND and isinstance(error, Unavailable)

    def _fail(self, call: Call, error: Exception, *, insists: bool) -> None:
        told = Told.MAYBE if insists else told_by(error)
        if self._slip is Slip.SWALLOW:
            told = Told.NEVER
        self._ledger.end(call, told, error)

    async def _prepared(self, kind: Kind, number: int) -> Step | None:
        """Return the call; None where what has to be read before cannot be."""
        own, shared, who = self._own, self._shared, self._who
        item = {"role": "user", "content": "x" * (number * 37 % 400), "who": who, "number": number}
        match kind:
            case Kind.APPEND:
                return lambda: own.messages.append(item)
            case Kind.NAMED:
                return lambda: shared.messages.append(item, ids=[f"{who}-{number}"])
            case Kind.COUNT:
                return lambda: shared.state.increment("count")
            case Kind.FIELD:
                return lambda: own.state.set("field", number)
            case Kind.LARGE:
                return lambda: own.state.set("large", [number, "x" * (LARGE + number % 7)])
            case Kind.ONCE:
                ref = Ref(self._store.namespace, "thread", SHARED)
                batch = Batch(ref, (Incr("state", f"once-{who}"),), once=f"{who}-{number}")
                return lambda: _run(self._store, batch)
            case Kind.GUARDED:
                try:
                    found = await _result(lambda: shared.state.entry("guarded"))
                except Unavailable:
                    return None
                value, revision = (found.value, found.revision) if found else (0, 0)
                return lambda: shared.state.set("guarded", value + 1, if_revision=revision)


async def _run(store: Any, batch: Batch) -> None:
    engine = await _result(store.ready)
    await _result(lambda: engine.run(batch))


async def _result(step: Step) -> Any:
    found = step()
    return await found if inspect.isawaitable(found) else found
