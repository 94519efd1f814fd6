"""Thousands of calls through a proxy that cuts, resets, stalls and trickles: what callers are told is true.

The load: 32 callers, tasks of one loop or threads, who share eight engines and so their requests; one request in five
meets a fault; a call has a second. One call in three carries no `once` id. It goes on until so many calls have met a
fault as the test says. The seed is printed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.http.faulty import CUTS, FAULTS, Faulty
from tests.http.ledger import DONE, UNKNOWN, Ledger, UntrueError, drawn, summary
from tests.http.raw import Client
from tests.races.figures import Say
from threadkeep import Unavailable
from threadkeep._async.drivers.http import AsyncHttpEngine
from threadkeep._sync.drivers.http import HttpEngine
from threadkeep.engines.http.link import AsyncLink
from threadkeep.engines.http.url import HttpSettings

CALLERS, ENGINES, TIMEOUT, SHARE, ROUND = 32, 8, 1.0, 0.2, 10
WHOLE = [pytest.mark.long, pytest.mark.serial, pytest.mark.timeout(1800)]


@pytest.fixture
def server(call: Client) -> Iterator[HttpEngine]:
    """An engine that reaches the server without faults."""
    engine = HttpEngine(HttpSettings(base=_base(call.port, call)))
    engine.setup()
    yield engine
    engine.close()


def _base(port: int, call: Client) -> str:
    return f"http://127.0.0.1:{port}{call.base}/v1"


def _tasks(settings: HttpSettings, ledgers: list[Ledger], goes_on: Callable[[], bool]) -> None:
    async def caller(engine: AsyncHttpEngine, ledger: Ledger) -> None:
        while goes_on():
            for number in ledger.numbers(ROUND):
                began = time.monotonic()
                try:
                    outcome: Any = await engine.run(ledger.batch(number))
                except Unavailable as error:
                    outcome = error
                ledger.note(number, began, outcome)

    async def run() -> None:
        engines = [AsyncHttpEngine(settings) for _ in range(ENGINES)]
        work = (caller(engines[ledger.who % ENGINES], ledger) for ledger in ledgers)
        await asyncio.gather(*work)
        for engine in engines:
            await engine.aclose()

    asyncio.run(run())


def _threads(settings: HttpSettings, ledgers: list[Ledger], goes_on: Callable[[], bool]) -> None:
    engines = [HttpEngine(settings) for _ in range(ENGINES)]

    def caller(ledger: Ledger) -> None:
        while goes_on():
            for number in ledger.numbers(ROUND):
                began = time.monotonic()
                try:
                    outcome: Any = engines[ledger.who % ENGINES].run(ledger.batch(number))
                except Unavailable as error:
                    outcome = error
                ledger.note(number, began, outcome)

    with ThreadPoolExecutor(len(ledgers)) as pool:
        list(pool.map(caller, ledgers))
    for engine in engines:
        engine.close()


@pytest.mark.parametrize("callers", [_tasks, _threads], ids=["tasks", "threads"])
@pytest.mark.parametrize("faulted", [300, pytest.param(10_000, marks=WHOLE)])
def test_what_callers_are_told_is_true(
    callers: Any, faulted: int, call: Client, server: HttpEngine, say: Say
):
    seed = secrets.randbelow(1_000_000)
    ledgers = [Ledger(who, TIMEOUT) for who in range(CALLERS)]
    with Faulty(call.port, drawn(seed, SHARE, FAULTS)) as proxy:
        settings = HttpSettings(base=_base(proxy.port, call), timeout=TIMEOUT)
        callers(settings, ledgers, lambda: proxy.faulted < faulted)
    slowest = max(ledger.slowest for ledger in ledgers)
    say(
        f"seed {seed}: {dict(summary(ledgers))}; batches by fault {dict(proxy.batches)};"
        f" the slowest call took {slowest:.2f} s"
    )
    for ledger in ledgers:
        ledger.hold(server)
    told = summary(ledgers)
    assert told[DONE] > told[UNKNOWN] > 0


def test_the_ledger_finds_a_client_that_sends_everything_again(
    call: Client, server: HttpEngine, monkeypatch: pytest.MonkeyPatch
):
    """The control: with such a client the same test fails."""
    with pytest.raises(UntrueError, match="two effects"):
        _judge_client(call, server, monkeypatch, again=True, writes=True)


def test_the_ledger_finds_a_client_that_calls_what_was_sent_unsent(
    call: Client, server: HttpEngine, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(UntrueError, match="'nothing'"):
        _judge_client(call, server, monkeypatch, again=False, writes=False)


def _judge_client(
    call: Client, server: HttpEngine, monkeypatch: pytest.MonkeyPatch, **fate: bool
) -> None:
    batch = AsyncLink.batch

    async def wrong(self: AsyncLink, message: bytes, weight: int, **_: Any) -> Any:
        return await batch(self, message, weight, **fate)

    monkeypatch.setattr(AsyncLink, "batch", wrong)
    ledgers = [Ledger(who, TIMEOUT) for who in range(8)]
    with Faulty(call.port, drawn(1, 0.5, CUTS)) as proxy:
        settings = HttpSettings(base=_base(proxy.port, call), timeout=TIMEOUT)
        _tasks(settings, ledgers, lambda: proxy.faulted < 100)
    for ledger in ledgers:
        ledger.hold(server)
