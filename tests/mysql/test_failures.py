"""Connections and servers that go away, rivals, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator

import pymysql
import pytest

from tests.mysql.engine import async_engine
from tests.servers.mariadb import MariadbServer
from tests.servers.proxy import Proxy
from threadkeep import AsyncStore, Forbidden, Store, Timeout, TooLarge, Unavailable, UsageError
from threadkeep.engines.sql.mysql.program import Terms, Writing, job_of
from threadkeep.model.leases import Lease
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get, Incr, Set
from threadkeep.ops.reply import Fields

REF = Ref("default", "thread", "t")
LONG = [
    pytest.param(1.0, 2, id="normal"),
    pytest.param(5.0, 8, id="long", marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
]


@pytest.fixture(scope="module")
def own() -> Iterator[MariadbServer]:
    """A server that the tests may stop and set up, and start again."""
    with MariadbServer() as server:
        server.execute("create database store")
        yield server


def _kill_connections(server: MariadbServer) -> None:
    with server.connect() as con, con.cursor() as cursor:
        cursor.execute(
            "select id from information_schema.processlist where user = 'root' and id <> connection_id()"
        )
        for (number,) in cursor.fetchall():
            with contextlib.suppress(pymysql.err.OperationalError):
                cursor.execute(f"kill {number}")


def test_connections_that_the_server_closed_while_idle(own: MariadbServer):
    with Store(own.url_of("store")) as store:
        store.thread("idle").state.set("a", 1)
        for n in range(3):
            _kill_connections(own)
            store.thread("idle").state.set("a", n)  # a write: nothing was done on the closed one
            _kill_connections(own)
            assert store.thread("idle").state.get("a") == n


def test_a_restart_of_the_server(own: MariadbServer):
    async def run() -> None:
        async with AsyncStore(f"{own.url_of('store')}?wait=1") as store:
            thread = store.thread("restart")
            await thread.state.set("a", 1)
            own.stop()
            with pytest.raises(Unavailable) as caught:
                await thread.state.set("a", 2)
            assert not caught.value.maybe_applied
            own.start()
            assert await thread.state.get("a") == 1
            assert await thread.state.set("a", 3) == 2

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "kills"), LONG)
def test_a_kill_of_the_server_under_load_loses_nothing(seconds: float, kills: int):
    with MariadbServer(durable=True) as server:
        server.execute("create database store")
        acknowledged = [0] * 16

        async def run() -> None:
            async with AsyncStore(f"{server.url_of('store')}?wait=0.2") as store:
                await store.thread("t0").state.set("n", 0)
                for _ in range(kills):
                    found = list(acknowledged)
                    writers = [
                        asyncio.create_task(_write(store, who, acknowledged)) for who in range(16)
                    ]
                    await asyncio.sleep(seconds)
                    server.kill()
                    await asyncio.gather(*writers)
                    server.start()
                    assert sum(acknowledged) > sum(found)
                    for who, n in enumerate(acknowledged):
                        stands = await store.thread(f"t{who}").state.get("n", default=0)
                        assert stands in (n, n + 1)
                        acknowledged[who] = stands

        asyncio.run(run())
        assert sum(acknowledged) > 100


async def _write(store: AsyncStore, who: int, acknowledged: list[int]) -> None:
    """Count up until the server is away."""
    while True:
        try:
            await store.thread(f"t{who}").state.set("n", acknowledged[who] + 1)
        except Unavailable:
            return
        acknowledged[who] += 1


def test_a_connection_lost_in_a_call(mariadb: MariadbServer, place: str):
    """A write says that it may have been applied; a read, and a write with a request id, are sent again."""

    async def run() -> None:
        with Proxy(mariadb.port) as proxy:
            url = place.replace(f":{mariadb.port}/", f":{proxy.port}/")
            async with AsyncStore(f"{url}?connections=1") as store:
                engine = await store.ready()
                await engine.run(Batch(REF, (Set("state", {"a": b"j1"}),)))
                proxy.cut_after(
                    "down", 0
                )  # the locks are taken: nothing was written, and it goes again
                await engine.run(Batch(REF, (Set("state", {"a": b"j2"}),)))
                proxy.reset()
                await engine.run(Batch(REF, (Incr("state", "n"),)))
                whole = proxy.counts.bytes_down
                proxy.cut_after(
                    "down", whole - 8
                )  # the server has committed, and its word of that is lost
                with pytest.raises(Unavailable) as caught:
                    await engine.run(Batch(REF, (Incr("state", "n"),)))
                assert caught.value.maybe_applied
                proxy.cut_after("down", whole - 8)
                assert (await engine.run(Batch(REF, (Incr("state", "n"),), once="id-1"))).ok
                proxy.cut_after("down", 0)
                found = (await engine.run(Batch(REF, (Get("state", ("n",)),)))).results[0]
                assert isinstance(found, Fields)
                assert found.fields["n"].value == b"j3"

    asyncio.run(run())


@pytest.mark.parametrize("cancelled", [0, 0.001, 0.003, 0.01, 0.03])
def test_a_cancelled_call_leaves_no_reply_behind(
    cancelled: float, mariadb: MariadbServer, place: str
):
    async def run() -> None:
        with Proxy(mariadb.port, delay=0.005) as proxy:
            url = place.replace(f":{mariadb.port}/", f":{proxy.port}/")
            async with AsyncStore(f"{url}?connections=1") as store:
                for n in range(5):
                    await store.thread(f"t{n}").state.set("n", n)
                calls = [
                    asyncio.ensure_future(store.thread(f"t{n % 5}").state.get("n"))
                    for n in range(20)
                ]
                await asyncio.sleep(cancelled)
                for call in calls[::3]:
                    call.cancel()
                found = await asyncio.gather(*calls, return_exceptions=True)
                assert [one for n, one in enumerate(found) if n % 3] == [
                    n % 5 for n in range(20) if n % 3
                ]
                writes = [
                    asyncio.ensure_future(store.thread(f"w{n}").state.increment("n"))
                    for n in range(20)
                ]
                await asyncio.sleep(cancelled)
                for write in writes[::3]:
                    write.cancel()
                done = await asyncio.gather(*writes, return_exceptions=True)
                assert [one for n, one in enumerate(done) if n % 3] == [1] * 13
                assert [await store.thread(f"t{n}").state.get("n") for n in range(5)] == [*range(5)]

    asyncio.run(run())


def test_a_write_that_was_cancelled_under_way_is_not_overtaken(mariadb: MariadbServer, place: str):
    """Who cancels a call and looks sees what it did, or that it did nothing, and no later change of that."""

    async def run() -> None:
        with Proxy(mariadb.port, delay=0.01) as proxy:
            url = place.replace(f":{mariadb.port}/", f":{proxy.port}/")
            async with AsyncStore(url) as store:
                thread = store.thread("t")
                await thread.state.set("n", 0)
                for n in range(1, 8):
                    write = asyncio.ensure_future(thread.state.set("n", n))
                    await asyncio.sleep(0.007 * n)
                    write.cancel()
                    seen = [await thread.state.get("n"), (await thread.state.get_all())["n"]]
                    await asyncio.sleep(0.05)
                    assert [*seen, await thread.state.get("n")] == [seen[0]] * 3
                    await thread.state.set("n", n)

    asyncio.run(run())


def test_a_push_that_cannot_be_harms_no_other(place: str):
    """It is decided while others of its group wait."""

    async def run() -> None:
        async with AsyncStore(f"{place}?connections=1") as store:
            thread = store.thread("t")
            await thread.state.update({"word": "x", "list": [1]}, ttl=300)
            calls = [thread.state.push(name, 2, keep=5) for name in ("list", "word", "new", "list")]
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(found[1], UsageError)
            assert [found[0], found[2], found[3]] == [2, 1, 3]
            assert await thread.state.get_all() == {"word": "x", "list": [1, 2, 2], "new": [2]}
            entry = await thread.state.entry("list")
            assert entry is not None
            assert entry.lease == Lease(window=300_000_000)

    asyncio.run(run())


def test_a_stalled_client_loses_its_locks(mariadb: MariadbServer, place: str):
    """It stops between its packets; the server ends its transaction, and the others go on."""

    async def run() -> None:
        stalled, other = async_engine(f"{place}?stall=1"), async_engine(place)
        batch = Batch(REF, (Incr("state", "n"),))
        for engine in (stalled, other):
            await engine.setup()
        await other.run(batch)
        link = await stalled._lines._take()
        terms = Terms(Limits(), 1, mariadb=True)
        first = Writing([job_of(batch)], None, terms).first
        first.deliver(await link.ask(first.encode()))
        begun = time.monotonic()
        assert (await other.run(batch)).ok
        assert 0.5 < time.monotonic() - begun < 8
        link.drop()
        for engine in (stalled, other):
            await engine.aclose()

    asyncio.run(run())


def test_a_lock_of_somebody_else_is_waited_for_in_bounds(mariadb: MariadbServer, place: str):
    with Store(f"{place}?lock_wait=1") as store:
        store.thread("t").state.set("a", 1)
        with mariadb.connect("furnished", autocommit=False) as rival, rival.cursor() as cursor:
            cursor.execute("select * from tk_entity for update")
            with pytest.raises(Timeout, match="lock"):
                store.thread("t").state.set("a", 2)
            rival.rollback()
        assert store.thread("t").state.set("a", 3) == 2


def test_deadlocks_are_tried_again(mariadb: MariadbServer, place: str):
    """A rival takes two entities in the other order; one of the two is chosen to fail, and it is not seen."""

    async def run() -> None:
        async with AsyncStore(f"{place}?connections=1") as store:
            threads = [store.thread(name) for name in ("a", "b")]
            for thread in threads:
                await thread.state.set("n", 0)
            lock = "select 1 from tk_entity where ns = 'default' and kind = 'thread' and id = %s for update"
            with mariadb.connect("furnished", autocommit=False) as rival, rival.cursor() as cursor:
                cursor.execute("update tk_label set eid = eid")
                cursor.execute(lock, ("b",))
                both = asyncio.gather(*(thread.state.increment("n") for thread in threads))
                await asyncio.sleep(0.1)
                with contextlib.suppress(pymysql.err.OperationalError):
                    await asyncio.to_thread(cursor.execute, lock, ("a",))
                rival.rollback()
                assert await both == [1, 1]

    asyncio.run(run())


def test_those_who_make_the_same_thread_at_once_are_all_heard(place: str):
    stores = [Store(place) for _ in range(4)]
    for round_ in range(20):
        gate = threading.Barrier(len(stores))

        def make(store: Store, name: str = f"t{round_}", gate: threading.Barrier = gate) -> None:
            gate.wait(30)
            store.thread(name).state.increment("n")

        threads = [threading.Thread(target=make, args=(store,)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stores[0].thread(f"t{round_}").state.get("n") == len(stores)
    for store in stores:
        store.close()


def test_a_packet_that_is_too_large_is_not_sent(own: MariadbServer):
    own.execute("set global max_allowed_packet = 2097152")
    try:
        with Store(own.url_of("store"), limits=Limits(value=500_000)) as store:
            thread = store.thread("large")
            thread.state.set("0", "x" * 400_000)
            with pytest.raises(TooLarge, match="max_allowed_packet is 2097152"):
                thread.state.update({str(n): "y" * 400_000 for n in range(6)})
            assert thread.state.get_all() == {"0": "x" * 400_000}
        with pytest.raises(UsageError, match="max_allowed_packet is 2097152 bytes; values of"):
            Store(own.url_of("store")).thread("t").state.get("a")
    finally:
        own.execute("set global max_allowed_packet = 67108864")


def test_a_failed_member_of_a_group_harms_no_other(place: str):
    async def run() -> None:
        async with AsyncStore(f"{place}?connections=1", limits=Limits(fields=2)) as store:
            await store.thread("bad").state.set("n", "word")
            names = [*(f"t{n}" for n in range(10)), "bad", *(f"u{n}" for n in range(10))]
            found = await asyncio.gather(
                *(store.thread(name).state.increment("n") for name in names), return_exceptions=True
            )
            assert [one for one in found if one == 1] == [1] * 20
            assert isinstance(found[10], UsageError)
            with pytest.raises(TooLarge, match="limit is 2"):
                await store.thread("bad").state.update({"a": 1, "b": 2})

    asyncio.run(run())


def test_a_server_that_is_not_there():
    store = Store("mysql://root@127.0.0.1:1/store?wait=1")
    with pytest.raises(Unavailable) as caught:
        store.thread("t").state.set("a", 1)
    assert not caught.value.maybe_applied


def test_a_user_who_may_not(mariadb: MariadbServer, bare: str):
    mariadb.execute("create or replace user guest@'%' identified by 'pässword:/@'")
    with pytest.raises(Forbidden) as caught:
        Store(bare.replace("root@", "guest:wrong@")).thread("t").state.set("a", 1)
    assert "wrong" not in str(caught.value)
    with pytest.raises(Forbidden):
        Store(bare.replace("root@", "guest:p%C3%A4ssword%3A%2F%40@")).thread("t").state.set("a", 1)
