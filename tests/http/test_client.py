"""The engine over HTTP itself: what goes in one request, what is made again, when it ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.http.faulty import Faulty
from tests.http.raw import Client
from tests.http.running import serving
from tests.http.scripted import Scripted
from tests.servers.proxy import Proxy
from tests.servers.waiting import eventually
from tests.sqlite.children import in_child
from threadkeep import (
    AsyncStore,
    Conflict,
    Forbidden,
    Store,
    Timeout,
    TooLarge,
    Unavailable,
    UsageError,
)
from threadkeep._async.drivers.http import AsyncHttpEngine
from threadkeep._sync.drivers.http import HttpEngine
from threadkeep.engines.http.url import HttpSettings
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Incr
from threadkeep.server.settings import ServerLimits

REF = Ref("default", "thread", "t")


@pytest.fixture
def proxy(call: Client) -> Iterator[Faulty]:
    with Faulty(call.port) as found:
        yield found


@pytest.fixture
def url(call: Client, proxy: Faulty) -> str:
    return f"http://127.0.0.1:{proxy.port}{call.base}/v1"


class TestTogether:
    """Calls of one moment go in one request."""

    def test_64_tasks_need_few_requests_and_each_gets_its_own_answer(self, url: str, proxy: Faulty):
        async def run() -> int:
            async with AsyncStore(url) as store:
                threads = [store.thread(f"t{number}") for number in range(64)]
                before = proxy.requests
                for round_ in range(5):
                    sets = (t.state.set("a", [n, round_]) for n, t in enumerate(threads))
                    await asyncio.gather(*sets)
                    found = await asyncio.gather(*(t.state.get("a") for t in threads))
                    assert found == [[number, round_] for number in range(64)]
                return proxy.requests - before

        assert asyncio.run(run()) <= 10 * 8  # of 640 calls; each line may take one a round

    def test_threads_share_requests_too(self, url: str, proxy: Faulty):
        with Store(f"{url}?connections=4") as store, ThreadPoolExecutor(32) as pool:
            before = proxy.requests
            list(pool.map(store.thread("t").state.increment, ["n"] * 320))
            assert store.thread("t").state.get("n") == 320
            assert proxy.requests - before < 160

    def test_who_fails_harms_no_other(self, url: str, proxy: Faulty):
        async def run() -> None:
            async with AsyncStore(f"{url}?connections=4") as store:
                thread = store.thread("t")
                await thread.state.set("taken", 1)
                before = proxy.requests
                out = await asyncio.gather(
                    thread.state.set("a", 1),
                    thread.state.set("taken", 2, if_absent=True),
                    thread.state.increment("taken", by=1),
                    store.thread("t").state.set("b", "x" * (2 << 20)),
                    thread.state.set("c", 3),
                    return_exceptions=True,
                )
                assert proxy.requests - before <= 2
                assert [type(one) for one in out] == [int, Conflict, int, TooLarge, int]
                assert await thread.state.get_all() == {"a": 1, "c": 3, "taken": 2}

        asyncio.run(run())

    def test_who_is_cancelled_harms_no_other(self, url: str):
        async def run() -> None:
            async with AsyncStore(f"{url}?connections=4") as store:
                state = store.thread("t").state
                calls = [asyncio.create_task(state.increment(f"n{n}")) for n in range(20)]
                await asyncio.sleep(0)
                for number in range(0, 20, 2):
                    calls[number].cancel()
                out = await asyncio.gather(*calls, return_exceptions=True)
                assert [one for one in out if not isinstance(one, asyncio.CancelledError)] == [
                    1
                ] * 10
                assert set(await state.get_all()) >= {f"n{n}" for n in range(1, 20, 2)}

        asyncio.run(run())

    def test_a_request_has_so_many_bytes_at_most(self, url: str, proxy: Faulty):
        async def run() -> int:
            async with AsyncStore(f"{url}?connections=4") as store:
                before = proxy.requests
                half = "x" * 600_000
                await asyncio.gather(
                    *(store.thread(f"t{n}").state.set("a", half) for n in range(6))
                )
                return proxy.requests - before

        assert asyncio.run(run()) == 6

    def test_what_is_too_much_together_goes_one_by_one(
        self, served: Callable[..., Client], proxy: Faulty
    ):
        small = served(limits=ServerLimits(batch=4_000))
        url = f"http://127.0.0.1:{proxy.port}{small.base}/v1?connections=4"

        async def run() -> None:
            async with AsyncStore(url) as store:
                threads = [store.thread(f"t{number}") for number in range(10)]
                await asyncio.gather(*(t.state.set("a", "x" * 1_000) for t in threads))
                sizes = await asyncio.gather(*(t.state.size() for t in threads))
                assert sizes == [1] * 10

        asyncio.run(run())


class TestEffect:
    """What a caller is told of a call of which nothing was heard."""

    @pytest.fixture
    async def engine(self, url: str) -> AsyncIterator[AsyncHttpEngine]:
        engine = AsyncHttpEngine(HttpSettings(base=url, timeout=0.6))
        yield engine
        await engine.aclose()

    @pytest.mark.anyio
    async def test_a_once_batch_that_was_never_answered_may_have_been_done(
        self, engine: AsyncHttpEngine, proxy: Faulty
    ):
        proxy.faults(*["after"] * 100)
        with pytest.raises(Unavailable) as caught:
            await engine.run(Batch(REF, (Incr("state", "n"),), once="a"))
        assert caught.value.maybe_applied

    @pytest.mark.anyio
    async def test_a_read_has_no_effect(self, engine: AsyncHttpEngine, proxy: Faulty):
        proxy.faults(*["after"] * 100)
        with pytest.raises(Unavailable) as caught:
            await engine.run(Batch(REF, (Get("state"),)))
        assert not caught.value.maybe_applied

    @pytest.mark.anyio
    @pytest.mark.parametrize("fault", ["stall", "trickle"])
    async def test_a_deadline_holds_for_tasks(
        self, fault: str, engine: AsyncHttpEngine, proxy: Faulty
    ):
        proxy.faults(fault)
        began = time.monotonic()
        with pytest.raises(Timeout) as caught:
            await engine.run(Batch(REF, (Incr("state", "n"),)))
        assert caught.value.maybe_applied
        assert time.monotonic() - began < 1.6

    def test_a_deadline_holds_for_threads_whose_loop_is_held_up(self, url: str):
        engine = HttpEngine(HttpSettings(base=url, timeout=0.3))
        engine.run(Batch(REF, (Incr("state", "n"),)))
        loop, freed = engine._link._loop._loop, threading.Event()
        assert loop is not None
        loop.call_soon_threadsafe(freed.wait, 20)
        for op, maybe in ((Incr("state", "n"), True), (Get("state"), False)):
            began = time.monotonic()
            with pytest.raises(Timeout, match=r"0\.3 seconds") as late:
                engine.run(Batch(REF, (op,)))
            assert time.monotonic() - began < 1.3
            assert late.value.maybe_applied is maybe
        freed.set()
        assert engine.run(Batch(REF, (Get("state"),))).ok
        engine.close()

    @pytest.mark.parametrize("fault", ["stall", "trickle"])
    def test_a_deadline_holds_for_threads(self, fault: str, url: str, proxy: Faulty):
        with Store(f"{url}?timeout=0.6") as store:
            proxy.faults(fault)
            began = time.monotonic()
            with pytest.raises(Timeout) as caught:
                store.thread("t").state.increment("n")
            assert caught.value.maybe_applied
            assert time.monotonic() - began < 1.6


class TestRefusals:
    """Answers that say: not now. They are waited for within the deadline."""

    @pytest.mark.parametrize(
        ("status", "body", "calls"),
        [
            (429, b'{"error": "too many requests"}', 2),
            (503, b'{"error": "busy", "code": "Unavailable", "maybe_applied": false}', 2),
            (429, b"<html>slow down</html>", 2),
            (502, b"<html>bad gateway</html>", 1),
            (503, b"<html>no backend</html>", 1),
        ],
    )
    def test_a_write_waits_where_nothing_was_done(self, status: int, body: bytes, calls: int):
        with Scripted((status, body, "0.3")) as server, Store(server.url) as store:
            began = time.monotonic()
            if calls == 1:
                with pytest.raises(Unavailable) as caught:
                    store.thread("t").state.set("a", 1)
                assert caught.value.maybe_applied
            else:
                with pytest.raises(Conflict, match="scripted"):
                    store.thread("t").state.set("a", 1)
                assert time.monotonic() - began >= 0.3
            assert server.batches == calls

    def test_no_longer_than_the_deadline(self):
        refusal = (503, b'{"error": "busy", "code": "Unavailable", "maybe_applied": false}', "5")
        with Scripted(refusal) as server, Store(f"{server.url}?timeout=1") as store:
            began = time.monotonic()
            with pytest.raises(Unavailable, match="busy") as caught:
                store.thread("t").state.set("a", 1)
            assert not caught.value.maybe_applied
            assert time.monotonic() - began < 1

    def test_a_read_is_made_again_after_a_gateway_s_error(self):
        with Scripted((502, b"bad gateway", None)) as server, Store(server.url) as store:
            with pytest.raises(Conflict, match="scripted"):
                store.thread("t").state.get("a")
            assert server.batches == 2

    def test_the_reason_of_the_server_is_kept(self):
        refusal = (
            403,
            b'{"error": "the caller may not use this namespace", "code": "Refused"}',
            None,
        )
        with (
            Scripted(refusal) as server,
            Store(server.url) as store,
            pytest.raises(Forbidden, match="the caller may not use this namespace"),
        ):
            store.thread("t").state.get("a")


class TestLife:
    """Connections, loops, forks, the end."""

    def test_a_closed_store_has_closed_its_connections(self, call: Client):
        with Proxy(call.port) as proxy:
            with Store(f"http://127.0.0.1:{proxy.port}{call.base}/v1") as store:
                store.thread("t").state.set("a", 1)
                assert proxy._links
            eventually(lambda: not proxy._links, "the connections are closed")
        with pytest.raises(UsageError, match="closed"):
            store.thread("t").state.get("a")

    def test_so_many_connections_at_most(self, call: Client):
        with (
            Proxy(call.port, delay=0.01) as proxy,
            Store(f"http://127.0.0.1:{proxy.port}{call.base}/v1?connections=3") as store,
            ThreadPoolExecutor(16) as pool,
        ):
            list(pool.map(lambda n: list(store.threads(prefix=str(n))), range(48)))
            assert proxy.counts.connections <= 3

    def test_an_async_store_belongs_to_one_loop(self, url: str):
        store = AsyncStore(url)
        with asyncio.Runner() as home:
            home.run(store.thread("t").state.set("a", 1))
            with asyncio.Runner() as other, pytest.raises(UsageError, match="another event loop"):
                other.run(store.thread("t").state.get("a"))
            home.run(store.aclose())

    def test_loops_have_a_store_each(self, url: str):
        async def run(number: int) -> float:
            async with AsyncStore(url) as store:
                return await store.thread("t").state.increment("n", by=number)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: asyncio.run(run(n)), [1] * 8))
        with Store(url) as store:
            assert store.thread("t").state.get("n") == 8

    def test_a_forked_process_is_refused_and_harms_nobody(self, url: str):
        with Store(url) as store:
            state = store.thread("t").state
            state.set("a", 1)

            def child() -> None:
                with pytest.raises(UsageError, match="forked"):
                    state.get("a")
                store.close()

            assert in_child(child) == 0
            assert state.get("a") == 1

    def test_a_watcher_ends_with_its_store(self, call: Client):
        store = Store(f"http://127.0.0.1:{call.port}{call.base}/v1")
        thread = store.thread("t")
        thread.state.set("a", 1)
        changes = thread.watch(after=0)
        assert next(changes).revision == 1
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(next, changes)
            eventually(waiting.running, "the watcher waits")
            store.close()
            assert isinstance(waiting.exception(10), UsageError)


class TestWatching:
    """A watcher whose connection is lost goes on where it was."""

    def test_it_misses_no_change(self, call: Client):
        base = f"{call.base}/v1"
        with Proxy(call.port) as proxy:

            async def run() -> list[int]:
                seen: list[int] = []
                direct = AsyncStore(f"http://127.0.0.1:{call.port}{base}")
                async with AsyncStore(f"http://127.0.0.1:{proxy.port}{base}") as store, direct:
                    thread = direct.thread("t")
                    await thread.state.set("n", 0)

                    async def look() -> None:
                        async for change in store.thread("t").watch(after=0):
                            seen.append(change.revision)  # noqa: PERF401 - it never ends

                    watcher = asyncio.create_task(look())
                    for number in range(1, 9):
                        last = await thread.state.set("n", number)
                        await _until(lambda last=last: seen[-1:] == [last])
                        proxy.cut()
                        last = await thread.state.set("n", number)  # while nobody listens
                        await _until(lambda last=last: seen[-1:] == [last])
                        proxy.cut()  # nothing changes meanwhile, so nothing comes
                    watcher.cancel()
                return seen

            seen = asyncio.run(run())
        assert seen == sorted(set(seen))

    def test_it_gives_up_when_the_server_stays_away(self, call: Client):
        with (
            Proxy(call.port) as proxy,
            Store(f"http://127.0.0.1:{proxy.port}{call.base}/v1?timeout=0.5") as store,
        ):
            revisions = store.ready().watch(REF)
            assert next(revisions) == 0
            proxy.refuse()
            with pytest.raises(Unavailable, match="no events from"):
                next(revisions)

    def test_another_incarnation_at_the_same_revision_is_a_change(self, call: Client):
        base = f"{call.base}/v1"
        with Proxy(call.port) as proxy, Store(f"http://127.0.0.1:{call.port}{base}") as direct:
            direct.thread("t").state.set("a", 1)

            async def run() -> None:
                engine = AsyncHttpEngine(HttpSettings(base=f"http://127.0.0.1:{proxy.port}{base}"))
                revisions = aiter(engine.watch(REF))
                assert await anext(revisions) == 1
                proxy.refuse()
                await asyncio.to_thread(_begin_anew, direct)
                proxy.resume()
                async with asyncio.timeout(10):
                    assert await anext(revisions) == 1
                await engine.aclose()

            asyncio.run(run())


def _begin_anew(store: Store) -> None:
    store.thread("t").destroy()
    store.thread("t").state.set("a", 1)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what another task sees
            await asyncio.sleep(0.005)


class TestHttp2:
    """The same over HTTP/2, on one connection."""

    @pytest.mark.parametrize("flag", ["true", "1"])
    def test_it_works(self, flag: str, tmp_path: Path):
        with (
            serving(tmp_path, "--store", "memory://") as server,
            Proxy(server.port) as proxy,
            Store(f"http://127.0.0.1:{proxy.port}/v1?http2={flag}") as store,
            ThreadPoolExecutor(8) as pool,
        ):
            list(pool.map(store.thread("t").state.increment, ["n"] * 64))
            assert store.thread("t").state.get("n") == 64
            assert proxy.counts.connections == 1

    def test_a_flag_is_a_flag(self):
        with pytest.raises(UsageError, match="http2 is 'maybe'"):
            Store("http://127.0.0.1/v1?http2=maybe")
