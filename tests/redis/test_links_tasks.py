"""What only tasks can do to each other: share a turn of the loop, and be cancelled."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from tests.servers.waiting import eventually
from threadkeep.engines.redis.links import AsyncNodes, Nodes
from threadkeep.errors import Timeout, Unavailable, UsageError

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer("redis7") as server:
        yield server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
async def nodes(proxy: Proxy) -> AsyncIterator[AsyncNodes]:
    nodes = AsyncNodes.from_url(f"redis://127.0.0.1:{proxy.port}?timeout=5")
    await nodes.open()
    yield nodes
    await nodes.aclose()


async def test_the_calls_of_a_turn_are_two_writes(server: RedisServer) -> None:
    nodes = AsyncNodes.from_url(f"redis://127.0.0.1:{server.port}")
    await nodes.open()
    look = server.client()

    def reads() -> int:
        return look.info("stats")["total_reads_processed"]

    async def measured() -> int:
        before = reads()
        calls = (nodes.call(0, [("ECHO", str(n))], again=True) for n in range(64))
        assert await asyncio.gather(*calls) == [[str(n).encode()] for n in range(64)]
        return reads() - before

    looking = min(-reads() + reads() for _ in range(5))
    # the first at once, the others together; the server also counts the end of a connection
    # and may find both at once where it is slow
    assert 1 <= min([await measured() for _ in range(5)]) - looking <= 2
    await nodes.aclose()


async def test_a_cancelled_caller_harms_no_other(nodes: AsyncNodes, proxy: Proxy) -> None:
    proxy.stall()
    calls = [
        asyncio.ensure_future(nodes.call(0, [("ECHO", str(n))] * (n % 3 + 1), again=True))
        for n in range(60)
    ]
    await asyncio.sleep(0.05)
    for call in calls[::2]:
        call.cancel()
    proxy.resume()
    found: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    for number, one in enumerate(found):
        if number % 2 == 0:
            assert isinstance(one, asyncio.CancelledError)
        else:
            assert one == [str(number).encode()] * (number % 3 + 1)


async def test_cancelled_before_anything_is_sent(nodes: AsyncNodes) -> None:
    call = asyncio.ensure_future(nodes.call(0, [("ECHO", "a")], again=True))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await nodes.call(0, [("ECHO", "b")], again=True) == [b"b"]


async def test_cancelled_while_it_connects(proxy: Proxy) -> None:
    proxy.stall()
    nodes = AsyncNodes.from_url(f"redis://127.0.0.1:{proxy.port}")
    opening = asyncio.ensure_future(nodes.open())
    await asyncio.sleep(0.05)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    proxy.resume()
    await nodes.open()
    assert await nodes.call(0, [("ECHO", "b")], again=True) == [b"b"]
    await nodes.aclose()


async def test_a_timeout_of_the_caller_leaves_the_order(nodes: AsyncNodes, proxy: Proxy) -> None:
    proxy.stall()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await nodes.call(0, [("ECHO", "a")], again=True)
    proxy.resume()
    assert await nodes.call(0, [("ECHO", "b")], again=True) == [b"b"]


async def test_closing_fails_what_is_under_way(nodes: AsyncNodes, proxy: Proxy) -> None:
    proxy.stall()
    calls = [asyncio.ensure_future(nodes.call(0, [("INCR", "n")], again=False)) for _ in range(4)]
    await asyncio.sleep(0.02)
    await nodes.aclose()
    for one in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(one, Unavailable)
        assert one.maybe_applied
    with pytest.raises(Unavailable, match="closed"):
        await nodes.call(0, [("INCR", "n")], again=True)


async def test_other_loops_are_refused(nodes: AsyncNodes) -> None:
    def elsewhere() -> None:
        with pytest.raises(UsageError, match="another event loop"):
            asyncio.run(nodes.call(0, [("PING",)], again=True))

    await asyncio.to_thread(elsewhere)


@pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"
)  # there are threads: proxies of others
def test_a_forked_process_is_refused(server: RedisServer) -> None:
    nodes = Nodes.from_url(f"redis://127.0.0.1:{server.port}")
    nodes.open()
    child = os.fork()
    if not child:
        try:
            nodes.call(0, [("PING",)], again=True)
        except UsageError:
            nodes.close()
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert nodes.call(0, [("PING",)], again=True) == [b"PONG"]
    nodes.close()


def test_a_thread_that_is_late_hands_reading_over() -> None:
    """Whoever reads for all gives up first; the others still get their answers."""
    own = RedisServer("redis7").start()
    nodes = Nodes.from_url(f"redis://127.0.0.1:{own.port}?timeout=1")
    nodes.open()
    own.send(signal.SIGSTOP)
    awake = threading.Timer(1.4, own.send, [signal.SIGCONT])
    awake.start()
    found: dict[int, Any] = {}

    def call(number: int) -> None:
        try:
            found[number] = nodes.call(0, [("ECHO", str(number))], again=True)
        except Timeout as error:
            found[number] = error

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for number, thread in enumerate(threads):
        thread.start()
        threading.Event().wait(0.1 if number < 7 else 0)
    for thread in threads:
        thread.join(20)
    awake.join()
    assert isinstance(found[0], Timeout)
    assert found[7] == [b"7"]
    assert nodes.call(0, [("ECHO", "x")], again=True) == [b"x"]
    nodes.close()
    own.close()


async def test_a_task_that_stops_listening_leaves_the_channel(server: RedisServer) -> None:
    nodes = AsyncNodes.from_url(f"redis://127.0.0.1:{server.port}")

    def listening() -> int:
        return server.client().pubsub_numsub("ch")[0][1]

    subscribed = asyncio.Event()

    async def listen() -> None:
        async for _ in nodes.listen(0, b"ch"):
            subscribed.set()

    task = asyncio.ensure_future(listen())
    await subscribed.wait()
    assert listening() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(eventually, lambda: listening() == 0, "unsubscribed")
    await nodes.aclose()
